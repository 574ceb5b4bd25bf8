// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_export.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/testing/temp_dir.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <opencv2/dnn.hpp>

namespace headroom {
namespace {

using testing::CheckInPython;
using testing::MaxDifference;
using testing::NetworkInput;
using testing::OptionsFor;
using testing::OwnPredictions;
using testing::RandomModel;
using testing::RandomPixels;

at::Tensor RunInOpenCv(const std::string& path, const at::Tensor& input) {
  cv::dnn::Net net = cv::dnn::readNetFromONNX(path);
  std::vector<int> shape(input.sizes().begin(), input.sizes().end());
  net.setInput(cv::Mat(shape, CV_32F, const_cast<float*>(input.const_data_ptr<float>())));
  const cv::Mat output = net.forward();
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < output.dims; ++i) sizes.push_back(output.size[i]);
  return at::from_blob(output.data, sizes, at::kFloat).clone();
}

class StaticOnnx : public ::testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(StaticOnnx, GivesInOpenCvWhatTheModelGives) {
  const auto [yaml, images] = GetParam();
  const testing::TempDir dir;
  Model model = RandomModel(yaml, 5);
  const std::string file = dir.path() / "a.onnx";
  ExportOnnx(file, model, OptionsFor(model, images, 64, 96));
  const at::Tensor pixels = RandomPixels(images, 64, 96);
  const at::Tensor expected = OwnPredictions(model, pixels, false);
  EXPECT_LT(MaxDifference(RunInOpenCv(file, NetworkInput(pixels)), expected), 1e-3);
}

TEST_P(StaticOnnx, GivesInOnnxRuntimeWhatTheModelGives) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const auto [yaml, images] = GetParam();
  const testing::TempDir dir;
  Model model = RandomModel(yaml, 5);
  const std::string file = dir.path() / "a.onnx";
  const at::Tensor pixels = RandomPixels(images, 64, 96);
  const at::Tensor expected = OwnPredictions(model, pixels, false);
  for (const std::int64_t opset : {12, 13, 18, 20}) {
    ExportOptions options = OptionsFor(model, images, 64, 96);
    options.opset = opset;
    ExportOnnx(file, model, options);
    EXPECT_TRUE(CheckInPython(file, NetworkInput(pixels), expected, 1e-3)) << opset;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, StaticOnnx,
                         ::testing::Values(std::pair{"yolo11n.yaml", 1},
                                           std::pair{"yolo11n.yaml", 2},
                                           std::pair{"yolov8n.yaml", 1},
                                           std::pair{"yolo26n.yaml", 1}));

TEST(ExportOnnx, TakesAnySizeWhenDynamic) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const testing::TempDir dir;
  for (const char* yaml : {"yolo11n.yaml", "yolo26n.yaml"}) {
    Model model = RandomModel(yaml, 3);
    ExportOptions options = OptionsFor(model, 1, 64, 64);
    options.form.dynamic = true;
    const std::string file = dir.path() / "a.onnx";
    ExportOnnx(file, model, options);
    const at::Tensor pixels = RandomPixels(3, 96, 160);
    EXPECT_TRUE(
        CheckInPython(file, NetworkInput(pixels), OwnPredictions(model, pixels, false), 1e-3))
        << yaml;
  }
}

TEST(ExportOnnx, HalfPrecisionIsCloseAndHalfAsLarge) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const testing::TempDir dir;
  Model model = RandomModel("yolo11n.yaml", 3);
  ExportOptions options = OptionsFor(model, 1, 64, 64);
  ExportOnnx(dir.path() / "full.onnx", model, options);
  options.precision = ExportPrecision::kFloat16;
  const std::string file = dir.path() / "half.onnx";
  ExportOnnx(file, model, options);
  EXPECT_LT(static_cast<double>(std::filesystem::file_size(file)),
            0.55 * static_cast<double>(std::filesystem::file_size(dir.path() / "full.onnx")));
  const at::Tensor pixels = RandomPixels(1, 64, 64);
  EXPECT_TRUE(CheckInPython(file, NetworkInput(pixels), OwnPredictions(model, pixels, false), 0.5));
}

TEST(ExportOnnx, SuppressesInsideTheNetwork) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const testing::TempDir dir;
  for (const bool dynamic : {false, true}) {
    Model model = RandomModel("yolo11n.yaml", 3);
    ExportOptions options = OptionsFor(model, 2, 128, 160);
    options.form.output = ExportOutput::kSuppressed;
    options.form.dynamic = dynamic;
    options.form.suppression = {.confidence = 0.4F, .iou = 0.5F, .max_detections = 100};
    const std::string file = dir.path() / "a.onnx";
    ExportOnnx(file, model, options);
    const at::Tensor pixels = RandomPixels(2, 128, 160);
    const at::Tensor expected = testing::OwnSuppressed(model, pixels, options.form.suppression);
    ASSERT_GT((expected.select(2, 4) > 0).sum().item<int>(), 20);
    EXPECT_TRUE(CheckInPython(file, NetworkInput(pixels), expected, 2e-3)) << dynamic;
  }
}

TEST(ExportOnnx, SelectsOfTheOneToOneHead) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const testing::TempDir dir;
  for (const bool dynamic : {false, true}) {
    Model model = RandomModel("yolo26n.yaml", 3);
    ExportOptions options = OptionsFor(model, 2, 64, 96);
    options.form.output = ExportOutput::kEndToEnd;
    options.form.dynamic = dynamic;
    options.form.suppression.max_detections = 30;
    const std::string file = dir.path() / "a.onnx";
    ExportOnnx(file, model, options);
    const at::Tensor pixels = RandomPixels(2, 64, 96);
    EXPECT_TRUE(
        CheckInPython(file, NetworkInput(pixels), testing::OwnEndToEnd(model, pixels, 30), 2e-3))
        << dynamic;
  }
}

TEST(ExportOnnx, LeavesTheUnusedHeadOut) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo26n.yaml", 3);
  ExportOptions options = OptionsFor(model, 1, 64, 64);
  ExportOnnx(dir.path() / "many.onnx", model, options);
  options.form.output = ExportOutput::kEndToEnd;
  ExportOnnx(dir.path() / "one.onnx", model, options);
  const auto contains = [&](const char* file, const char* text) {
    return ReadFile(dir.path() / file)->find(text) != std::string::npos;
  };
  EXPECT_TRUE(contains("many.onnx", "model.23.cv2."));
  EXPECT_FALSE(contains("many.onnx", "one2one"));
  EXPECT_TRUE(contains("one.onnx", "one2one_cv2"));
  EXPECT_FALSE(contains("one.onnx", "model.23.cv2."));
}

TEST(ExportOnnx, NamesTheOpsetsThereAre) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo11n.yaml", 3);
  ExportOptions options = OptionsFor(model, 1, 64, 64);
  options.opset = 9;
  EXPECT_THROW(ExportOnnx(dir.path() / "a.onnx", model, options), ConfigError);
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "a.onnx"));
}

}  // namespace
}  // namespace headroom
