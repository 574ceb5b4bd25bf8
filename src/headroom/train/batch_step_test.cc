// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/batch_step.h"

#include "headroom/ops/conv_bn_act.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"
#include "headroom/optim/weight_update.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing_torch/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>

namespace headroom {
namespace {

using testing::ReadTensorFile;
using testing::SharedFile;
using testing::TensorFile;

// Images and labels of a tensor file as a loader.
class TensorLoader : public Loader {
 public:
  TensorLoader(const at::Tensor& images, const at::Tensor& image_of_label,
               const at::Tensor& classes, const at::Tensor& boxes) {
    const at::Tensor rows = images.permute({0, 2, 3, 1}).contiguous();
    for (std::int64_t i = 0; i < images.size(0); ++i) {
      auto& pixels = pixels_.emplace_back(static_cast<std::size_t>(rows[i].numel()));
      std::memcpy(pixels.data(), rows[i].data_ptr(), pixels.size());
      labels_.emplace_back();
    }
    for (std::int64_t k = 0; k < boxes.size(0); ++k) {
      const at::Tensor b = boxes[k];
      labels_[static_cast<std::size_t>(image_of_label[k].item<float>())].push_back(
          {static_cast<std::int32_t>(classes.view({-1})[k].item<float>()),
           {b[0].item<float>(), b[1].item<float>(), b[2].item<float>(), b[3].item<float>()}});
    }
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      samples_.push_back({.pixels = pixels_[i],
                          .height = static_cast<int>(images.size(2)),
                          .width = static_cast<int>(images.size(3)),
                          .labels = labels_[i]});
    }
  }
  [[nodiscard]] std::int64_t size() const override {
    return static_cast<std::int64_t>(samples_.size());
  }
  void StartEpoch(int, std::int64_t) override {}
  const Sample& Get(std::int64_t position) override {
    return samples_.at(static_cast<std::size_t>(position));
  }
  void Acknowledge(std::int64_t position) override { acknowledged = position; }
  [[nodiscard]] int max_in_flight() const override { return 1000; }
  void CloseMosaic() override {}
  std::int64_t acknowledged = 0;

 private:
  std::vector<std::vector<std::uint8_t>> pixels_;
  std::vector<std::vector<LabelBox>> labels_;
  std::vector<Sample> samples_;
};

Options DefaultOptions() { return Options::From(OptionSet(), {}); }

Model GoldenModel(const std::string& yaml, const std::string& weights_file, OpsChoice ops,
                  Element element) {
  const TensorFile weights = ReadTensorFile(SharedFile(weights_file));
  Model model = BuildModel(ReadModelYaml(yaml), {.classes = 3, .ops = ops}, at::kCPU);
  ParameterStore& store = *model.parameters;
  store.Allocate(at::kCPU, element, true);
  for (const ParameterStore::Entry& entry : store.entries()) {
    if (entry.kind == ParameterStore::EntryKind::kParameter)
      store.value(entry.index).copy_(weights.at(entry.name));
    if (entry.kind == ParameterStore::EntryKind::kStatistic)
      store.running_view(entry.index).copy_(weights.at(entry.name));
  }
  store.RefreshCompute();
  return model;
}

TensorLoader GoldenLoader() {
  const TensorFile file = ReadTensorFile(SharedFile("golden/yolo11n-nc3-loss.pt"));
  return {file.at("image"), file.at("batch_idx"), file.at("cls"), file.at("bboxes")};
}

// What rounding alone does to the reference's own figures on this batch (its other memory layout,
// fp64, weights moved by 1e-7) decides what can be asked. YOLO11n: 4e-5 in the losses of steps 1-3,
// 1e-2 in steps 4-6. YOLO26n has a near tie at once: two inputs of a maximum in the SPPF are 3e-6
// apart, and the one that is taken moves gradient norms below that layer by up to 1.02e-3, the
// second loss by 2.6e-4 and the sixth by 4e-2. Kernels fall on either side of it; layers above are
// held to 1e-4 all the same.
struct Tolerances {
  double gradient_norm;
  double gradient_norm_below;  // Of layers up to `tie`, whose gradients pass through it.
  int tie;
  double first_losses;  // Steps 1-3.
  double later_losses;  // Steps 4-6.
  double state_norm;
};
constexpr Tolerances kYolo11{1e-4, 1e-4, -1, 1e-4, 2e-2, 5e-3};
constexpr Tolerances kYolo26{1e-4, 1.1e-3, 9, 3e-4, 4e-2, 2e-2};  // 9: SPPF.

struct Family {
  const char* yaml;
  const char* prefix;
  Tolerances tolerances;
};

class GoldenStep : public ::testing::TestWithParam<std::tuple<Family, OpsChoice>> {};

TEST_P(GoldenStep, LossAndGradientsAreTheReferences) {
  const auto& [family, ops] = GetParam();
  const std::string prefix = std::string("golden/") + family.prefix;
  HEADROOM_NEEDS_SHARED(prefix + "-loss.pt");
  const TensorFile golden = ReadTensorFile(SharedFile(prefix + "-loss.pt"));
  Model model = GoldenModel(family.yaml, prefix + "-weights.pt", ops, Element::kFloat32);
  TensorLoader loader = GoldenLoader();
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  HeadLoss loss(model, DefaultOptions(), {}, at::kCPU);
  loss.StartEpoch(0, 11);
  BatchStep step(model, executor, loss, {.micro_batch = 4});
  const BatchResult result = step.Run(loader, 0, 4, {160, 160});
  EXPECT_NEAR(result.loss / golden.at("loss_sum").item<double>(), 1, 1e-4);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(
        result.items[static_cast<std::size_t>(i)] / golden.at("loss_items")[i].item<double>(), 1,
        1e-4);
  }
  for (std::size_t i = 0; i < model.parameters->parameters().size(); ++i) {
    const std::string& name = model.parameters->parameters()[i].name;
    if (!golden.contains("grad_norm." + name)) continue;
    const double expected = golden.at("grad_norm." + name).item<double>();
    const double norm =
        model.parameters->ViewIn(step.pending(), static_cast<int>(i)).norm().item<double>();
    if (expected <= 1e-3) continue;  // Zero but for rounding.
    // Names begin with "model.LAYER.".
    const bool below = std::stoi(name.substr(6)) <= family.tolerances.tie;
    EXPECT_NEAR(norm / expected, 1,
                below ? family.tolerances.gradient_norm_below : family.tolerances.gradient_norm)
        << name;
  }
}

TEST_P(GoldenStep, SixStepsFollowTheReferencesTrajectory) {
  const auto& [family, ops] = GetParam();
  const Tolerances& tolerances = family.tolerances;
  const std::string prefix = std::string("golden/") + family.prefix;
  HEADROOM_NEEDS_SHARED(prefix + "-sgd.pt");
  const TensorFile golden = ReadTensorFile(SharedFile(prefix + "-sgd.pt"));
  Model model = GoldenModel(family.yaml, prefix + "-weights.pt", ops, Element::kFloat32);
  TensorLoader loader = GoldenLoader();
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  HeadLoss loss(model, DefaultOptions(), {}, at::kCPU);
  loss.StartEpoch(0, 11);
  BatchStep step(model, executor, loss, {.micro_batch = 4});
  ParameterStore& store = *model.parameters;
  const auto optimizer =
      MakeOptimizer(OptimizerKind::kSgd, store.parameters(), store.value_count(), at::kCPU);
  Ema ema(store);
  const std::vector<GroupStep> groups = {{0.01, 0.937, 0.0005}, {0.01, 0.937, 0}, {0.01, 0.937, 0}};
  for (int i = 0; i < 6; ++i) {
    const BatchResult result = step.Run(loader, 0, 4, {160, 160});
    const double tolerance = i < 3 ? tolerances.first_losses : tolerances.later_losses;
    EXPECT_NEAR(result.loss / golden.at("losses")[i][0].item<double>(), 1, tolerance)
        << "step " << i;
    UpdateWeights(store, *optimizer, ema, step.pending(), groups);
  }
  for (const ParameterStore::Entry& entry : store.entries()) {
    if (entry.kind == ParameterStore::EntryKind::kBatchCount) continue;
    const bool parameter = entry.kind == ParameterStore::EntryKind::kParameter;
    const at::Tensor value = parameter ? store.value(entry.index) : store.running_view(entry.index);
    const at::Tensor mean = parameter ? store.ViewIn(ema.values, entry.index)
                                      : store.StatisticIn(ema.running, entry.index);
    EXPECT_NEAR(value.norm().item<double>() / golden.at("norm." + entry.name).item<double>(), 1,
                tolerances.state_norm)
        << entry.name;
    EXPECT_NEAR(mean.norm().item<double>() / golden.at("ema_norm." + entry.name).item<double>(), 1,
                tolerances.state_norm)
        << entry.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenStep,
    ::testing::Combine(::testing::Values(Family{"yolo11n.yaml", "yolo11n-nc3", kYolo11},
                                         Family{"yolo26n.yaml", "yolo26n-nc3", kYolo26}),
                       ::testing::Values(OpsChoice::kReference, OpsChoice::kFused)));

TEST(BatchStep, MicroBatchesGiveTheBatchsGradients) {
  HEADROOM_NEEDS_SHARED("golden/yolo11n-nc3-loss.pt");
  at::Tensor whole;
  for (const std::int64_t micro : {4, 3, 2, 1}) {
    Model model = GoldenModel("yolo11n.yaml", "golden/yolo11n-nc3-weights.pt", OpsChoice::kFused,
                              Element::kFloat32);
    TensorLoader loader = GoldenLoader();
    Executor executor(*model.graph, *model.parameters, at::kCPU);
    executor.set_norm_mode(NormMode::kRunning);
    HeadLoss loss(model, DefaultOptions(), {}, at::kCPU);
    BatchStep step(model, executor, loss, {.micro_batch = micro});
    const BatchResult result = step.Run(loader, 0, 4, {160, 160});
    EXPECT_EQ(result.micro_batches, (4 + micro - 1) / micro);
    EXPECT_EQ(loader.acknowledged, 4);
    if (!whole.defined()) whole = step.pending().clone();
    EXPECT_LT(((step.pending() - whole).norm() / whole.norm()).item<double>(), 1e-5) << micro;
  }
}

class Bfloat16Loss : public ::testing::TestWithParam<std::tuple<const char*, OpsChoice>> {};

TEST_P(Bfloat16Loss, StaysWithinTwoPercent) {
  const auto& [name, ops] = GetParam();
  const std::string prefix = std::string("golden/") + name + "-nc3";
  HEADROOM_NEEDS_SHARED(prefix + "-loss.pt");
  const TensorFile golden = ReadTensorFile(SharedFile(prefix + "-loss.pt"));
  Model model =
      GoldenModel(std::string(name) + ".yaml", prefix + "-weights.pt", ops, Element::kBFloat16);
  TensorLoader loader = GoldenLoader();
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  HeadLoss loss(model, DefaultOptions(), {}, at::kCPU);
  loss.StartEpoch(0, 11);
  BatchStep step(model, executor, loss, {.micro_batch = 4, .activation = Element::kBFloat16});
  EXPECT_NEAR(step.Run(loader, 0, 4, {160, 160}).loss / golden.at("loss_sum").item<double>(), 1,
              0.02);
}

INSTANTIATE_TEST_SUITE_P(All, Bfloat16Loss,
                         ::testing::Values(std::tuple{"yolo11n", OpsChoice::kFused},
                                           std::tuple{"yolo26n", OpsChoice::kFused},
                                           std::tuple{"yolo11n", OpsChoice::kReference}));

TEST(NormStatistics, RunningStatisticsFollowTheReferenceAfterOneBatch) {
  HEADROOM_NEEDS_SHARED("golden/yolo11n-nc3-loss.pt");
  Model model = GoldenModel("yolo11n.yaml", "golden/yolo11n-nc3-weights.pt", OpsChoice::kFused,
                            Element::kFloat32);
  const at::Tensor before = model.parameters->running_view(0).clone();
  TensorLoader loader = GoldenLoader();
  Executor executor(*model.graph, *model.parameters, at::kCPU);
  HeadLoss loss(model, DefaultOptions(), {}, at::kCPU);
  BatchStep step(model, executor, loss, {.micro_batch = 4});
  (void)step.Run(loader, 0, 4, {160, 160});
  const at::Tensor expected =
      before * (1 - kNormMomentum) + model.parameters->moment_view(0) * kNormMomentum;
  EXPECT_TRUE(at::allclose(model.parameters->running_view(0), expected, 1e-5, 1e-6));
}

}  // namespace
}  // namespace headroom
