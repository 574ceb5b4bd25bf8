// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/torchscript_export.h"

#include "headroom/deploy/export_metadata.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <torch/script.h>

namespace headroom {
namespace {

using testing::MaxDifference;
using testing::NetworkInput;
using testing::OptionsFor;
using testing::RandomModel;
using testing::RandomPixels;

at::Tensor RunScript(const std::string& file, const at::Tensor& input) {
  const c10::InferenceMode mode;
  return torch::jit::load(file).forward({input}).toTensor();
}

// How far the row of b that is nearest to a row of a is away, for the worst row.
double LargestMiss(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor distances = (a.unsqueeze(2) - b.unsqueeze(1)).abs().amax(3);
  return distances.amin(2).max().item<double>();
}

class TorchScript : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchScript, GivesWhatTheModelGives) {
  const testing::TempDir dir;
  Model model = RandomModel(GetParam(), 5);
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, OptionsFor(model, 2, 64, 96));
  const at::Tensor pixels = RandomPixels(2, 64, 96);
  const at::Tensor expected = testing::OwnPredictions(model, pixels, false);
  EXPECT_LT(MaxDifference(RunScript(file, NetworkInput(pixels)), expected), 1e-3);
}

TEST_P(TorchScript, GivesInPythonWhatTheModelGives) {
  if (testing::Python() == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON is not set";
  const testing::TempDir dir;
  Model model = RandomModel(GetParam(), 5);
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, OptionsFor(model, 2, 64, 96));
  const at::Tensor pixels = RandomPixels(2, 64, 96);
  EXPECT_TRUE(testing::CheckInPython(file, NetworkInput(pixels),
                                     testing::OwnPredictions(model, pixels, false), 1e-3));
}

TEST_P(TorchScript, TakesAnySizeWhenDynamic) {
  const testing::TempDir dir;
  Model model = RandomModel(GetParam(), 5);
  ExportOptions options = OptionsFor(model, 1, 64, 64);
  options.form.dynamic = true;
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, options);
  const at::Tensor pixels = RandomPixels(3, 96, 128);
  EXPECT_LT(MaxDifference(RunScript(file, NetworkInput(pixels)),
                          testing::OwnPredictions(model, pixels, false)),
            1e-3);
}

// As the reference's: its validation gives such a file batches of 16, whatever it was made for.
TEST_P(TorchScript, TakesAnyNumberOfImages) {
  const testing::TempDir dir;
  Model model = RandomModel(GetParam(), 5);
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, OptionsFor(model, 2, 64, 96));
  for (const std::int64_t images : {1, 3}) {
    const at::Tensor pixels = RandomPixels(images, 64, 96);
    EXPECT_LT(MaxDifference(RunScript(file, NetworkInput(pixels)),
                            testing::OwnPredictions(model, pixels, false)),
              1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TorchScript,
                         ::testing::Values("yolo11n.yaml", "yolov8n.yaml", "yolo26n.yaml"));

TEST(ExportTorchScript, SuppressesInsideTheNetwork) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo11n.yaml", 3);
  ExportOptions options = OptionsFor(model, 2, 128, 160);
  options.form.output = ExportOutput::kSuppressed;
  options.form.suppression = {.confidence = 0.4F, .iou = 0.5F, .max_detections = 100};
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, options);
  const at::Tensor pixels = RandomPixels(2, 128, 160);
  EXPECT_LT(MaxDifference(RunScript(file, NetworkInput(pixels)),
                          testing::OwnSuppressed(model, pixels, options.form.suppression)),
            2e-3);
}

TEST(ExportTorchScript, SelectsOfTheOneToOneHead) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo26n.yaml", 3);
  ExportOptions options = OptionsFor(model, 2, 64, 96);
  options.form.output = ExportOutput::kEndToEnd;
  options.form.suppression.max_detections = 30;
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, options);
  const at::Tensor pixels = RandomPixels(2, 64, 96);
  // Scores tie to the last bit here and there, so rows may come in another order.
  EXPECT_LT(
      LargestMiss(RunScript(file, NetworkInput(pixels)), testing::OwnEndToEnd(model, pixels, 30)),
      2e-3);
}

TEST(ExportTorchScript, HalfPrecisionIsCloseAndHalfAsLarge) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo11n.yaml", 3);
  ExportOptions options = OptionsFor(model, 1, 64, 64);
  options.precision = ExportPrecision::kFloat16;
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, options);
  EXPECT_LT(std::filesystem::file_size(file),
            static_cast<std::uintmax_t>(2.3 * static_cast<double>(model.ParameterCount())));
  const at::Tensor pixels = RandomPixels(1, 64, 64);
  EXPECT_LT(MaxDifference(RunScript(file, NetworkInput(pixels)),
                          testing::OwnPredictions(model, pixels, false)),
            0.5);
}

TEST(ExportTorchScript, CarriesItsMetadata) {
  const testing::TempDir dir;
  Model model = RandomModel("yolo11n.yaml", 2);
  ExportOptions options = OptionsFor(model, 1, 64, 96);
  options.names = {"it's", "b"};
  const std::string file = dir.path() / "a.torchscript";
  ExportTorchScript(file, model, options);
  torch::jit::ExtraFilesMap extra = {{"config.txt", ""}};
  (void)torch::jit::load(file, at::kCPU, extra);
  const Result<DetectorFacts> facts = ReadMetadataJson(extra["config.txt"]);
  ASSERT_TRUE(facts.ok()) << facts.error();
  EXPECT_EQ(facts->names, options.names);
  EXPECT_EQ(facts->image_size, (ImageSize{64, 96}));
}

}  // namespace
}  // namespace headroom
