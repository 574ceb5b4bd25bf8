// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/predictor.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/log.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/deploy/onnx_runner.h"
#include "headroom/deploy/prediction_output.h"
#include "headroom/deploy/torchscript_export.h"
#include "headroom/evaluate/model_detector.h"
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

// Answers with boxes that cover the left upper quarter of the network's picture.
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
    const Xyxy quarter = {0, 0, static_cast<float>(size_.width) / 2,
                          static_cast<float>(size_.height) / 2};
    found_.assign(boxes, {quarter, 0.875F, 1});
    return found_;
  }
  std::vector<std::pair<int, ImageSize>> shapes;
  std::vector<std::uint8_t> pixels;
  std::size_t boxes = 1;  // An image.

 private:
  DetectorFacts facts_;
  ImageSize size_;
  std::vector<Detection> found_;
};

std::vector<std::string> FilesBelow(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), folder));
  }
  return files;
}

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
  EXPECT_THAT(FilesBelow(root() / "out"),
              UnorderedElementsAre("a.jpg", "a-2.jpg", "labels/a.txt", "labels/a-2.txt",
                                   "crops/it_s/a.jpg", "crops/it_s/a-2.jpg"));
  EXPECT_EQ(*ReadFile(root() / "out/labels/a.txt"), "1 0.25 0.25 0.5 0.5 0.875\n");
  EXPECT_EQ(output.labels().Count(), 2);
}

TEST_F(PredictorTest, LosesNothingWhereNamesMeet) {
  for (const char* name : {"x-2.jpg", "x.jpg", "x.jpeg", "a_1.jpg"}) WritePicture(name, {64, 64});
  {
    const Image frame({64, 64});
    VideoWriter(root() / "in/a.avi", 8, {64, 64}).Write(frame.view());
  }
  QuarterDetector detector(false);
  detector.boxes = 2;
  PredictionOutput output({.folder = root() / "out", .save_txt = true, .save_crop = true},
                          detector.facts().names);
  fs::create_directories(root() / "out");
  (void)Predictor(detector, {.image_size = {64, 64}})
      .Run(Media(), [&](const PredictedFrame& predicted) { output.Write(predicted); }, {});
  EXPECT_THAT(
      FilesBelow(root() / "out"),
      UnorderedElementsAre("x-2.jpg", "x.jpg", "x-3.jpg", "a_1.jpg", "a.avi", "labels/x-2.txt",
                           "labels/x.txt", "labels/x-3.txt", "labels/a_1.txt", "labels/a_1-2.txt",
                           "crops/it_s/x-2.jpg", "crops/it_s/x-2-2.jpg", "crops/it_s/x.jpg",
                           "crops/it_s/x-3.jpg", "crops/it_s/x-3-2.jpg", "crops/it_s/x-3-3.jpg",
                           "crops/it_s/a_1.jpg", "crops/it_s/a_1-2.jpg", "crops/it_s/a_1-2-2.jpg",
                           "crops/it_s/a_1-2-3.jpg"));
  EXPECT_EQ(output.labels().Summary(), "5 labels saved to " + (root() / "out/labels").string());
}

TEST_F(PredictorTest, APictureThatCannotBeDrawnIsNamedAndTheNextOneIsWritten) {
  WritePicture("a.jpg", {2000, 2000});  // 12 MB of pixels, as much for the JPEG.
  WritePicture("b.jpg", {64, 64});
  fs::create_directories(root() / "out");
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(20), "memory=20M", ledger);
  QuarterDetector detector(false);
  std::vector<std::string> warnings;
  SetLogSink([&](LogLevel, std::string_view text) { warnings.emplace_back(text); });
  PredictionOutput output({.folder = root() / "out", .save_txt = true, .save_crop = true},
                          detector.facts().names, &budget);
  const PredictionTimes times =
      Predictor(detector, {.image_size = {64, 64}}, &budget)
          .Run(Media(), [&](const PredictedFrame& predicted) { output.Write(predicted); }, {});
  SetLogSink({});
  EXPECT_EQ(times.images, 2);
  EXPECT_EQ(times.too_large, 0);
  EXPECT_EQ(output.not_written(), 1);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("in/a.jpg: what was found is drawn nowhere"));
  EXPECT_THAT(FilesBelow(root() / "out"),
              UnorderedElementsAre("b.jpg", "crops/it_s/b.jpg", "labels/a.txt", "labels/b.txt"));
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
    PredictionOutput output({.folder = root() / "out", .save_frames = true, .save_txt = true},
                            detector.facts().names);
    (void)Predictor(detector, {.image_size = {64, 64}, .video_step = 2})
        .Run(Media(), [&](const PredictedFrame& predicted) { output.Write(predicted); }, {});
  }
  Result<VideoReader> written = VideoReader::Open(root() / "out/v.avi");
  ASSERT_TRUE(written.ok()) << written.error();
  EXPECT_EQ(written->frame_count(), 3);
  EXPECT_DOUBLE_EQ(written->frames_per_second(), 4);
  EXPECT_THAT(
      FilesBelow(root() / "out"),
      UnorderedElementsAre("v.avi", "v_frames/v_1.jpg", "v_frames/v_2.jpg", "v_frames/v_3.jpg",
                           "labels/v_1.txt", "labels/v_2.txt", "labels/v_3.txt"));
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
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  ModelDetector own(model, executor, options.names, {}, wanted);
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

TEST_F(PredictorTest, SaysWhyOpenCvCannotRunAFile) {
  Model model = testing::RandomModel("yolo11n.yaml", 3);
  const fs::path file = root() / "a.onnx";
  const auto expect_obstacle = [&](const ExportOptions& options, const char* text) {
    ExportOnnx(file, model, options);
    EXPECT_THAT(WhyOpenCvCannotRun(file).value_or(""), HasSubstr(text));
    try {
      (void)OpenExportedModel(file, 1, {});
      FAIL() << "it was opened: " << text;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(text));
      EXPECT_THAT(error.what(), HasSubstr("yolo export"));
    }
  };
  const ExportOptions plain = testing::OptionsFor(model, 1, 64, 64);
  ExportOptions options = plain;
  options.form.output = ExportOutput::kSuppressed;
  expect_obstacle(options, "NonMaxSuppression");
  options = plain;
  options.form.dynamic = true;
  expect_obstacle(options, "dynamic=True");
  options = plain;
  options.precision = ExportPrecision::kFloat16;
  expect_obstacle(options, "fp16");
  options = plain;
  options.opset = 13;
  expect_obstacle(options, "opset=12");
  ExportOnnx(file, model, plain);
  EXPECT_EQ(WhyOpenCvCannotRun(file), std::nullopt);
  EXPECT_NO_THROW((void)OpenExportedModel(file, 1, {}));
}

}  // namespace
}  // namespace headroom
