// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/predictor.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/model_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/deploy/prediction_output.h"
#include "headroom/deploy/torchscript_export.h"
#include "headroom/image/image_writer.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Answers with one box that covers the left upper quarter of the network's picture.
class QuarterDetector : public Detector {
 public:
  explicit QuarterDetector(bool fixed) {
    facts_.fixed_size = fixed;
    facts_.image_size = {64, 64};
    facts_.names = {"cell", "it/s"};
  }
  [[nodiscard]] const DetectorFacts& facts() const override { return facts_; }
  std::span<std::uint8_t> Prepare(int images, ImageSize size) override {
    shapes.push_back({images, size});
    pixels.assign(static_cast<std::size_t>(images) * size.PixelBytes().count(), 0);
    size_ = size;
    return pixels;
  }
  void Run() override {}
  std::span<const Detection> Detections(int /*image*/) override {
    found_ = {{{0, 0, static_cast<float>(size_.width) / 2, static_cast<float>(size_.height) / 2},
               0.875F,
               1}};
    return found_;
  }
  std::vector<std::pair<int, ImageSize>> shapes;
  std::vector<std::uint8_t> pixels;

 private:
  DetectorFacts facts_;
  ImageSize size_;
  std::vector<Detection> found_;
};

class PredictorTest : public ::testing::Test {
 protected:
  // BGR pixels of one colour.
  void WritePicture(const std::string& name, ImageSize size) const {
    Image image(size);
    for (std::size_t i = 0; i < size.PixelBytes().count(); i += 3) {
      image.data()[i] = 250;
      image.data()[i + 1] = 100;
      image.data()[i + 2] = 10;
    }
    fs::create_directories(root() / "in");
    WriteJpeg(root() / "in" / name, image.view());
  }
  [[nodiscard]] const fs::path& root() const { return dir_.path(); }
  [[nodiscard]] MediaList Media() const { return FindMedia(root() / "in"); }

 private:
  testing::TempDir dir_;
};

TEST_F(PredictorTest, PadsToARectangleAndMapsBoxesBack) {
  WritePicture("a.jpg", {50, 100});
  QuarterDetector detector(false);
  std::vector<Detection> found;
  const PredictionTimes times =
      Predictor(detector, {.image_size = {128, 128}})
          .Run(Media(),
               [&](const PredictedFrame& predicted) {
                 found.assign(predicted.detections.begin(), predicted.detections.end());
               },
               {});
  EXPECT_EQ(times.images, 1);
  EXPECT_EQ(times.network, (ImageSize{64, 128}));  // 100x50 at 1.28, no rows of padding.
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].box.x2, 50, 0.1);
  EXPECT_NEAR(found[0].box.y2, 25, 0.1);
  EXPECT_NEAR(detector.pixels[0], 10, 4);  // RGB.
  EXPECT_NEAR(detector.pixels[2], 250, 4);
}

TEST_F(PredictorTest, UsesTheWholeCanvasWhereItMust) {
  WritePicture("a.jpg", {50, 100});
  WritePicture("b.jpg", {100, 50});
  QuarterDetector free(false);
  (void)Predictor(free, {.image_size = {96, 96}, .batch = 2}).Run(Media(), [](const auto&) {}, {});
  EXPECT_THAT(free.shapes, ::testing::ElementsAre(std::pair(2, ImageSize{96, 96})));
  QuarterDetector fixed(true);
  (void)Predictor(fixed, {.image_size = {96, 96}, .batch = 2}).Run(Media(), [](const auto&) {}, {});
  EXPECT_THAT(fixed.shapes, ::testing::ElementsAre(std::pair(1, ImageSize{64, 64}),
                                                   std::pair(1, ImageSize{64, 64})));
}

TEST_F(PredictorTest, WritesPicturesLabelsAndCropsUnderNamesOfTheirOwn) {
  WritePicture("a.jpg", {64, 64});
  fs::copy_file(root() / "in/a.jpg", root() / "in/a.jpeg");
  QuarterDetector detector(false);
  fs::create_directories(root() / "out/labels");
  testing::WriteText(root() / "out/labels/a.txt", "from an earlier run\n");
  PredictionOutput output({.folder = root() / "out",
                           .save = true,
                           .save_txt = true,
                           .save_conf = true,
                           .save_crop = true},
                          detector.facts().names);
  (void)Predictor(detector, {.image_size = {64, 64}})
      .Run(Media(), [&](const PredictedFrame& predicted) { output.Write(predicted); }, {});
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root() / "out")) {
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), root() / "out"));
  }
  EXPECT_THAT(files, UnorderedElementsAre("a.jpg", "a-2.jpg", "labels/a.txt", "labels/a-2.txt",
                                          "crops/it_s/a.jpg", "crops/it_s/a-2.jpg"));
  EXPECT_EQ(*ReadFile(root() / "out/labels/a.txt"), "1 0.25 0.25 0.5 0.5 0.875\n");
  EXPECT_EQ(output.label_files(), 2);
}

TEST_F(PredictorTest, WritesVideosFrameByFrame) {
  fs::create_directories(root() / "in");
  {
    Image image({48, 64});
    std::fill_n(image.data(), image.size().PixelBytes().count(), std::uint8_t{30});
    VideoWriter video(root() / "in/v.avi", 8, {48, 64});
    for (int i = 0; i < 6; ++i) video.Write(image.view());
  }
  QuarterDetector detector(false);
  fs::create_directories(root() / "out");
  {
    PredictionOutput output({.folder = root() / "out", .save_txt = true}, detector.facts().names);
    (void)Predictor(detector, {.image_size = {64, 64}, .video_step = 2})
        .Run(Media(), [&](const PredictedFrame& predicted) { output.Write(predicted); }, {});
  }
  Result<VideoReader> written = VideoReader::Open(root() / "out/v.avi");
  ASSERT_TRUE(written.ok()) << written.error();
  EXPECT_EQ(written->frame_count(), 3);
  EXPECT_DOUBLE_EQ(written->frames_per_second(), 4);
  EXPECT_TRUE(fs::exists(root() / "out/labels/v_2.txt"));
  EXPECT_TRUE(fs::exists(root() / "out/labels/v_6.txt"));
}

TEST_F(PredictorTest, FindsTheSameWithEveryFormat) {
  const std::vector<std::uint8_t> pixels = testing::SyntheticPixels(96, 128, 3);
  fs::create_directories(root() / "in");
  testing::WriteBytes(root() / "in/a.png", testing::EncodeImage(pixels, 96, 128, "png"));
  Model model = testing::RandomModel("yolo11n.yaml", 3);
  ExportOptions options = testing::OptionsFor(model, 1, 96, 128);
  ExportOnnx(root() / "a.onnx", model, options);
  ExportTorchScript(root() / "a.torchscript", model, options);
  const DetectorOptions wanted{.confidence = 0.4F, .iou = 0.5F};
  const auto predict = [&](Detector& detector) {
    std::vector<Detection> found;
    (void)Predictor(detector, {.image_size = {96, 128}})
        .Run(Media(),
             [&](const PredictedFrame& predicted) {
               found.assign(predicted.detections.begin(), predicted.detections.end());
             },
             {});
    return found;
  };
  ModelDetector own(model, options.names, at::kCPU, false, wanted);
  const std::vector<Detection> expected = predict(own);
  ASSERT_GT(expected.size(), 5U);
  for (const char* file : {"a.onnx", "a.torchscript"}) {
    const std::vector<Detection> found = predict(*OpenExportedModel(root() / file, 1, wanted));
    ASSERT_EQ(found.size(), expected.size()) << file;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].class_id, expected[i].class_id);
      EXPECT_NEAR(found[i].confidence, expected[i].confidence, 1e-4);
      EXPECT_NEAR(found[i].box.x1, expected[i].box.x1, 1e-2);
      EXPECT_NEAR(found[i].box.y2, expected[i].box.y2, 1e-2);
    }
  }
}

TEST_F(PredictorTest, NamesTheOperatorThatOpenCvCannotRun) {
  Model model = testing::RandomModel("yolo11n.yaml", 3);
  ExportOptions options = testing::OptionsFor(model, 1, 64, 64);
  options.form.output = ExportOutput::kSuppressed;
  ExportOnnx(root() / "a.onnx", model, options);
  try {
    (void)OpenExportedModel(root() / "a.onnx", 1, {});
    FAIL() << "it was opened";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("NonMaxSuppression"));
    EXPECT_THAT(error.what(), HasSubstr("yolo export"));
  }
}

}  // namespace
}  // namespace headroom
