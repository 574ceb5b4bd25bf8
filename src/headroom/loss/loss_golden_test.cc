// SPDX-License-Identifier: Apache-2.0
// The assigner and the loss against what the reference computed on real head outputs.
#include "headroom/loss/detection_loss.h"
#include "headroom/loss/end_to_end_loss.h"
#include "headroom/loss/loss_test_data.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <array>
#include <string>
#include <vector>

namespace headroom {
namespace {

constexpr int kSide = 160;  // Pixels of the images.
constexpr int kClasses = 3;
const std::vector<int> kStrides = {8, 16, 32};

// Anchors by channels [b, A, c] as head maps in channels-last memory.
std::vector<at::Tensor> Maps(const at::Tensor& rows) {
  std::vector<at::Tensor> maps;
  std::int64_t first = 0;
  for (const int stride : kStrides) {
    const std::int64_t side = kSide / stride;
    maps.push_back(rows.slice(1, first, first + side * side)
                       .contiguous()
                       .view({rows.size(0), side, side, rows.size(2)})
                       .permute({0, 3, 1, 2}));
    first += side * side;
  }
  return maps;
}

// Raw outputs of a head without a distribution that decode to the recorded boxes and scores.
HeadMaps RawMaps(const testing::TensorFile& file, const std::string& head) {
  const at::Tensor boxes = file.at(head + "assign_in.pd_bboxes"),
                   points = file.at(head + "assign_in.anc_points");
  std::vector<at::Tensor> strides;
  for (const int stride : kStrides)
    strides.push_back(at::full({kSide / stride * (kSide / stride), 1}, stride));
  const at::Tensor distances =
      at::cat({points - boxes.slice(2, 0, 2), boxes.slice(2, 2, 4) - points}, 2);
  return {Maps(distances / at::cat(strides)), Maps(file.at(head + "assign_in.pd_scores").logit())};
}

BatchTargets Targets(const testing::TensorFile& file) {
  const at::Tensor &image = file.at("batch_idx"), &cls = file.at("cls"), &box = file.at("bboxes");
  BatchTargets targets;
  for (int i = 0; i < 4; ++i) {
    std::vector<TrueBox> boxes;
    for (std::int64_t k = 0; k < image.size(0); ++k) {
      if (image[k].item<int>() != i) continue;
      const Xywh b{box[k][0].item<float>(), box[k][1].item<float>(), box[k][2].item<float>(),
                   box[k][3].item<float>()};
      boxes.push_back(testing::Label(cls[k][0].item<int>(), b, kSide, kSide));
    }
    targets.AddImage(boxes);
  }
  return targets;
}

void ExpectAssignment(const testing::TensorFile& file, const std::string& head,
                      const AssignerOptions& options) {
  const BatchTargets targets = Targets(file);
  const at::Tensor logits = file.at(head + "assign_in.pd_scores").logit().contiguous();
  const at::Tensor boxes = file.at(head + "assign_in.pd_bboxes").contiguous();
  for (std::int64_t image = 0; image < 4; ++image) {
    testing::Scene scene(AnchorGrid::ForImage(kSide, kSide, kStrides), kClasses);
    const float* const logit = logits[image].data_ptr<float>();
    scene.logits.assign(logit, logit + scene.logits.size());
    for (std::int64_t a = 0; a < scene.grid.anchors(); ++a) {
      const float* const b = boxes[image][a].data_ptr<float>();
      scene.boxes[static_cast<std::size_t>(a)] = {b[0], b[1], b[2], b[3]};
    }
    const at::Tensor scores = file.at(head + "assign.target_scores")[image];
    // A pick of metric zero is kept as foreground by the reference; it weighs nothing and is not
    // ours.
    std::vector<std::array<std::int64_t, 3>> expected, ours;
    for (std::int64_t a = 0; a < scene.grid.anchors(); ++a) {
      if (scores[a].sum().item<float>() == 0) continue;
      EXPECT_TRUE(file.at(head + "assign.fg_mask")[image][a].item<bool>());
      expected.push_back({a, file.at(head + "assign.target_gt_idx")[image][a].item<std::int64_t>(),
                          file.at(head + "assign.target_labels")[image][a].item<std::int64_t>()});
    }
    for (const AssignedAnchor& a : testing::Assign(options, scene, targets.image(image)).anchors) {
      const std::int32_t label = targets.image(image)[static_cast<std::size_t>(a.box)].class_id;
      ours.push_back({a.anchor, a.box, label});
      EXPECT_NEAR(a.weight, scores[a.anchor][label].item<float>(), 1e-4F) << "anchor " << a.anchor;
    }
    EXPECT_EQ(ours, expected) << "image " << image;
  }
}

TEST(GoldenAssigner, MakesTheReferencesPicksForYolo11) {
  HEADROOM_NEEDS_SHARED("golden/yolo11n-nc3-loss.pt");
  const auto file = testing::ReadTensorFile(testing::SharedFile("golden/yolo11n-nc3-loss.pt"));
  ExpectAssignment(file, "", {});
}

TEST(GoldenAssigner, MakesTheReferencesPicksForBothHeadsOfYolo26) {
  HEADROOM_NEEDS_SHARED("golden/yolo26n-nc3-loss.pt");
  const auto file = testing::ReadTensorFile(testing::SharedFile("golden/yolo26n-nc3-loss.pt"));
  ExpectAssignment(file, "o2m.", {});
  ExpectAssignment(file, "o2o.", {.topk = 7, .topk2 = 1});
}

class GoldenLoss : public ::testing::TestWithParam<EndToEndLoss::Factory> {};
INSTANTIATE_TEST_SUITE_P(Kinds, GoldenLoss,
                         ::testing::Values(MakeCpuDetectionLoss, MakeReferenceDetectionLoss));

TEST_P(GoldenLoss, GivesTheReferencesItemsForYolo26) {
  HEADROOM_NEEDS_SHARED("golden/yolo26n-nc3-loss.pt");
  const auto file = testing::ReadTensorFile(testing::SharedFile("golden/yolo26n-nc3-loss.pt"));
  EndToEndLoss loss({.classes = kClasses, .reg_max = 1}, GetParam());
  const EndToEndSums sums =
      loss.Forward(RawMaps(file, "o2m."), RawMaps(file, "o2o."), Targets(file));
  const at::Tensor items = file.at("loss_items");
  const LossSums& one = sums.one_to_one;
  EXPECT_NEAR(one.box / one.normaliser() / items[0].item<double>(), 1, 1e-4);
  EXPECT_NEAR(one.classification / one.normaliser() / items[1].item<double>(), 1, 1e-4);
  EXPECT_NEAR(one.distance / one.normaliser() / items[2].item<double>(), 1, 1e-4);
  EXPECT_NEAR(sums.Value(0.8, 4) / file.at("loss_sum").item<double>(), 1, 1e-4);
}

TEST_P(GoldenLoss, GivesTheReferencesBoxAndClassItemsForYolo11) {
  HEADROOM_NEEDS_SHARED("golden/yolo11n-nc3-loss.pt");
  const auto file = testing::ReadTensorFile(testing::SharedFile("golden/yolo11n-nc3-loss.pt"));
  // The decoded boxes are recorded, not the distributions: the third term is left out.
  const auto loss = GetParam()({.classes = kClasses, .reg_max = 1});
  const LossSums sums = loss->Forward(RawMaps(file, ""), Targets(file));
  const at::Tensor items = file.at("loss_items");
  EXPECT_NEAR(sums.box / sums.normaliser() / items[0].item<double>(), 1, 1e-4);
  EXPECT_NEAR(sums.classification / sums.normaliser() / items[1].item<double>(), 1, 1e-4);
}

}  // namespace
}  // namespace headroom
