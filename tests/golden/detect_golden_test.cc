// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/decode_predictions.h"
#include "headroom/detect/end_to_end.h"
#include "headroom/detect/nms.h"
#include "headroom/geometry/iou.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom {
namespace {

using testing::ReadTensorFile;
using testing::TensorFile;

std::filesystem::path GoldenFile() {
  return std::filesystem::path(HEADROOM_SOURCE_DIR) / "tests/data/golden/nms.pt";
}

std::vector<Detection> Rows(const at::Tensor& tensor) {
  std::vector<Detection> detections;
  const at::Tensor rows = tensor.contiguous();
  const float* row = rows.data_ptr<float>();
  for (std::int64_t i = 0; i < rows.size(0); ++i, row += 6) {
    detections.push_back(
        {{row[0], row[1], row[2], row[3]}, row[4], static_cast<std::int32_t>(row[5])});
  }
  return detections;
}

// Channels-last copies of NCHW (or NCA) maps of one image, and the head's view of them.
class Head {
 public:
  Head(int class_count, int reg_max) : class_count_(class_count), reg_max_(reg_max) {}

  void AddLevel(const at::Tensor& boxes, const at::Tensor& classes, int height, int width,
                int stride) {
    const auto rows = [&](const at::Tensor& map) {
      return map.reshape({map.size(0), -1}).t().contiguous();
    };
    tensors_.push_back(rows(boxes));
    tensors_.push_back(rows(classes));
    const at::Tensor& box_rows = tensors_[tensors_.size() - 2];
    const at::Tensor& class_rows = tensors_.back();
    levels_.push_back({box_rows.data_ptr<float>(), class_rows.data_ptr<float>(),
                       static_cast<std::size_t>(box_rows.size(1)),
                       static_cast<std::size_t>(class_rows.size(1)), height, width, stride});
  }
  [[nodiscard]] HeadView view() const { return {levels_, class_count_, reg_max_}; }

 private:
  int class_count_;
  int reg_max_;
  std::vector<at::Tensor> tensors_;
  std::vector<HeadLevelView> levels_;
};

void ExpectNear(const Xyxy& a, const Xyxy& b, float tolerance) {
  EXPECT_NEAR(a.x1, b.x1, tolerance);
  EXPECT_NEAR(a.y1, b.y1, tolerance);
  EXPECT_NEAR(a.x2, b.x2, tolerance);
  EXPECT_NEAR(a.y2, b.y2, tolerance);
}

// Every anchor's box and scores against the decoded tensor [4 + nc, A] of the reference.
void ExpectDecodesTo(const HeadView& view, const at::Tensor& expected) {
  const at::Tensor pred = expected.contiguous();
  const auto anchors = static_cast<std::size_t>(pred.size(1));
  ASSERT_EQ(view.anchor_count(), anchors);
  const DecodedView decoded = {pred.data_ptr<float>(), anchors, 1, anchors, view.class_count};
  for (std::uint32_t a = 0; a < anchors; ++a) {
    ExpectNear(DecodeBox(view, a), DecodeBox(decoded, a), 2e-3F);
    for (int c = 0; c < view.class_count; ++c) {
      EXPECT_NEAR(Sigmoid(ClassRow(view, a)[c]), decoded.At(4 + static_cast<std::size_t>(c), a),
                  1e-6);
    }
  }
}

TEST(NmsGolden, ResultsAreExact) {
  const TensorFile archive = ReadTensorFile(GoldenFile());
  const at::Tensor& pred = archive.at("pred");
  const NmsOptions predict = {.class_count = 3};
  NmsOptions val = predict;
  val.confidence = 0.001F;
  val.labels = LabelsPerAnchor::kAll;
  NmsOptions agnostic = predict;
  agnostic.iou = 0.45F;
  agnostic.max_detections = 50;
  agnostic.agnostic = true;
  const std::vector<std::pair<std::string, NmsOptions>> cases = {
      {"predict", predict}, {"val", val}, {"agnostic", agnostic}};
  for (const auto& [name, options] : cases) {
    NonMaximumSuppression nms(options);
    for (std::int64_t i = 0; i < pred.size(0); ++i) {
      const auto found = nms.Run(DecodedView{pred[i].data_ptr<float>(), 1200, 1, 1200, 3});
      EXPECT_EQ(std::vector<Detection>(found.begin(), found.end()),
                Rows(archive.at(name + "." + std::to_string(i))))
          << name << " " << i;
    }
  }
}

// The same candidates as raw maps: a head without distributions whose one level has cells of one
// pixel, and boxes and logits that decode to `pred`.
TEST(NmsGolden, ResultsAreTheSameFromRawMaps) {
  const TensorFile archive = ReadTensorFile(GoldenFile());
  for (std::int64_t i = 0; i < archive.at("pred").size(0); ++i) {
    const at::Tensor pred = archive.at("pred")[i];
    const at::Tensor x = at::arange(1200) % 40 + 0.5;
    const at::Tensor y = at::floor(at::arange(1200) / 40) + 0.5;
    const at::Tensor boxes = at::stack({x - (pred[0] - pred[2] / 2), y - (pred[1] - pred[3] / 2),
                                        pred[0] + pred[2] / 2 - x, pred[1] + pred[3] / 2 - y});
    Head head(3, 1);
    head.AddLevel(boxes.to(at::kFloat), at::logit(pred.narrow(0, 4, 3)), 30, 40, 1);
    NonMaximumSuppression nms(
        {.class_count = 3, .confidence = 0.001F, .labels = LabelsPerAnchor::kAll});
    const auto found = nms.Run(head.view());
    const auto expected = Rows(archive.at("val." + std::to_string(i)));
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].class_id, expected[k].class_id);
      EXPECT_NEAR(found[k].confidence, expected[k].confidence, 1e-6);
      ExpectNear(found[k].box, expected[k].box, 1e-3F);
    }
  }
}

TEST(DecodeGolden, BoxesAndScoresAgreeForEveryAnchor) {
  const struct {
    const char* file;
    int classes;
  } models[] = {{"golden/yolo11n-nc3-forward.pt", 3}, {"golden/yolov8n-nc2-forward.pt", 2}};
  for (const auto& model : models) {
    HEADROOM_NEEDS_SHARED(model.file);
    const TensorFile archive = ReadTensorFile(testing::SharedFile(model.file));
    const at::Tensor& pred = archive.at("pred");
    for (std::int64_t image = 0; image < pred.size(0); ++image) {
      Head head(model.classes, 16);
      for (int level = 0; level < 3; ++level) {
        const at::Tensor map = archive.at("feat." + std::to_string(level))[image];
        head.AddLevel(map.narrow(0, 0, 64), map.narrow(0, 64, model.classes),
                      static_cast<int>(map.size(1)), static_cast<int>(map.size(2)), 8 << level);
      }
      ExpectDecodesTo(head.view(), pred[image]);
    }
  }
}

// The head of YOLO26 on an image of 128 x 160: 16 x 20, 8 x 10 and 4 x 5 cells in one tensor.
Head Yolo26Head(const TensorFile& archive, const std::string& branch, std::int64_t image) {
  Head head(3, 1);
  std::int64_t first = 0;
  for (int level = 0; level < 3; ++level) {
    const int height = 16 >> level;
    const int width = 20 >> level;
    const std::int64_t cells = std::int64_t{height} * width;
    head.AddLevel(archive.at(branch + ".boxes")[image].narrow(1, first, cells),
                  archive.at(branch + ".scores")[image].narrow(1, first, cells), height, width,
                  8 << level);
    first += cells;
  }
  return head;
}

TEST(DecodeGolden, DistancesWithoutDistributionAgree) {
  HEADROOM_NEEDS_SHARED("golden/yolo26n-nc3-forward.pt");
  const TensorFile archive = ReadTensorFile(testing::SharedFile("golden/yolo26n-nc3-forward.pt"));
  for (std::int64_t image = 0; image < 2; ++image) {
    ExpectDecodesTo(Yolo26Head(archive, "one2many", image).view(), archive.at("pred")[image]);
  }
}

TEST(EndToEndGolden, SelectsTheSameRows) {
  HEADROOM_NEEDS_SHARED("golden/yolo26n-nc3-forward.pt");
  const TensorFile archive = ReadTensorFile(testing::SharedFile("golden/yolo26n-nc3-forward.pt"));
  EndToEndSelection selection({.class_count = 3, .confidence = 0});
  for (std::int64_t image = 0; image < 2; ++image) {
    const auto found = selection.Run(Yolo26Head(archive, "one2one", image).view());
    const auto expected = Rows(archive.at("pred_e2e")[image]);
    ASSERT_EQ(found.size(), expected.size());
    // The random weights give many equal scores to within rounding: those may change places.
    std::vector<Detection> left = expected;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].confidence, expected[i].confidence, 1e-6) << i;
      const auto same = std::find_if(left.begin(), left.end(), [&](const Detection& other) {
        return other.class_id == found[i].class_id && Iou(other.box, found[i].box) > 0.9999F &&
               std::abs(other.confidence - found[i].confidence) < 1e-6F;
      });
      ASSERT_NE(same, left.end()) << i;
      left.erase(same);
    }
  }
}

}  // namespace
}  // namespace headroom
