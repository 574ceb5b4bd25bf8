// SPDX-License-Identifier: Apache-2.0
// What training in bf16 follows: its gradients against those of fp32, for a trained model on real
// photographs.
#include "headroom/data/letterbox_source.h"
#include "headroom/data/simple_loader.h"
#include "headroom/testing/shared_files.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/run_setup.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace headroom {
namespace {

using testing::SharedFile;

constexpr int kImages = 8;
constexpr int kSide = 320;
constexpr double kLayerCosine = 0.97;  // Of every layer with more weights than kSmallLayer.
constexpr double kWholeCosine = 0.998;
constexpr std::int64_t kSmallLayer = 1000;

struct Gradients {
  LoadedModel loaded;
  at::Tensor flat;  // Laid out as the parameters.
};

// Gradients of the loss of the first photographs of the training split.
Gradients GradientsIn(Element activation, const std::string& ops) {
  const std::string weights = SharedFile("reference-run/yolo11n-bccd/best.pt");
  const std::vector<Override> typed = {{"model", OptionValue(weights)}, {"ops", OptionValue(ops)}};
  const Options options = Options::From(OptionSet(typed), typed);
  const DatasetConfig data = ReadDatasetYaml(SharedFile("data/bccd/data.yaml"), "datasets");
  const DatasetIndex index = DatasetIndex::Build({.split = "train",
                                                  .sources = data.Split("train"),
                                                  .num_classes = data.classes(),
                                                  .use_cache = false});
  Gradients result{
      LoadForTraining(options, ClassNames(data, false), Settings(), at::kCPU, activation), {}};
  Model& model = result.loaded.model;
  SimpleLoader loader(
      std::make_unique<LetterboxSource>(LetterboxSourceOptions{.image_size = kSide, .rect = false},
                                        index, nullptr),
      kImages);
  loader.StartEpoch(0, 0);
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  HeadLoss loss(model, options, std::vector<float>(), at::kCPU);
  loss.StartEpoch(0, 1);
  BatchStep step(model, executor, loss, {.micro_batch = kImages, .activation = activation});
  step.Run(loader, 0, kImages, {kSide, kSide});
  result.flat = step.pending().clone();
  return result;
}

double Cosine(const at::Tensor& a, const at::Tensor& b) {
  const auto dot = [](const at::Tensor& x, const at::Tensor& y) {
    return x.to(at::kDouble).flatten().dot(y.to(at::kDouble).flatten()).item<double>();
  };
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

class PrecisionParity : public ::testing::TestWithParam<const char*> {};

TEST_P(PrecisionParity, GradientsInBFloat16PointWhereThoseInFloatDo) {
  HEADROOM_NEEDS_SHARED("reference-run/yolo11n-bccd/best.pt");
  HEADROOM_NEEDS_SHARED("data/bccd/data.yaml");
  const Gradients exact = GradientsIn(Element::kFloat32, GetParam());
  const Gradients rounded = GradientsIn(Element::kBFloat16, GetParam());
  const ParameterStore& store = *exact.loaded.model.parameters;
  double lowest = 1;
  int layers = 0;
  for (std::size_t i = 0; i < store.parameters().size(); ++i) {
    const Parameter& parameter = store.parameters()[i];
    if (parameter.count <= kSmallLayer) continue;
    const int index = static_cast<int>(i);
    const double cosine =
        Cosine(store.ViewIn(exact.flat, index), store.ViewIn(rounded.flat, index));
    EXPECT_GE(cosine, kLayerCosine) << parameter.name;
    lowest = std::min(lowest, cosine);
    ++layers;
  }
  EXPECT_GT(layers, 50);
  const double whole = Cosine(exact.flat, rounded.flat);
  EXPECT_GE(whole, kWholeCosine);
  RecordProperty("lowest_layer", std::to_string(lowest));
  RecordProperty("whole", std::to_string(whole));
}

INSTANTIATE_TEST_SUITE_P(Ops, PrecisionParity, ::testing::Values("fused", "reference"));

}  // namespace
}  // namespace headroom
