// SPDX-License-Identifier: Apache-2.0
#include "training_step.h"

#include "headroom/core/rng.h"
#include "headroom/optim/weight_update.h"

#include <ATen/ATen.h>

#include <chrono>
#include <vector>

namespace headroom {
namespace {

constexpr int kBoxesAnImage = 12;  // As BCCD has.

// The same images at every step: noise, with boxes of mixed sizes.
class FixedLoader : public Loader {
 public:
  explicit FixedLoader(const StepVariant& variant) {
    const auto count = static_cast<std::size_t>(variant.batch);
    const auto side = static_cast<std::size_t>(variant.image_size);
    Rng rng(7);
    pixels_.resize(count);
    labels_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      pixels_[i].resize(side * side * 3);
      for (auto& byte : pixels_[i]) byte = static_cast<std::uint8_t>(rng.Uniform(0, 256));
      for (int k = 0; k < kBoxesAnImage; ++k) {
        const auto w = static_cast<float>(rng.Uniform(0.05, 0.4));
        const auto h = static_cast<float>(rng.Uniform(0.05, 0.4));
        const auto x = static_cast<float>(rng.Uniform(w / 2, 1 - w / 2));
        const auto y = static_cast<float>(rng.Uniform(h / 2, 1 - h / 2));
        labels_[i].push_back({0, {x, y, w, h}});
      }
      samples_.push_back({.pixels = pixels_[i],
                          .height = static_cast<int>(side),
                          .width = static_cast<int>(side),
                          .labels = labels_[i]});
    }
  }
  [[nodiscard]] std::int64_t size() const override {
    return static_cast<std::int64_t>(samples_.size());
  }
  void StartEpoch(int /*epoch*/, std::int64_t /*first_position*/) override {}
  const Sample& Get(std::int64_t position) override {
    return samples_.at(static_cast<std::size_t>(position));
  }
  void Acknowledge(std::int64_t /*position*/) override {}
  [[nodiscard]] int max_in_flight() const override { return static_cast<int>(samples_.size()); }
  void CloseMosaic() override {}

 private:
  std::vector<std::vector<std::uint8_t>> pixels_;
  std::vector<std::vector<LabelBox>> labels_;
  std::vector<Sample> samples_;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TrainingStep::TrainingStep(const StepVariant& variant)
    : variant_(variant),
      model_(BuildModel(ReadModelYaml(variant.model),
                        {.classes = variant.classes, .ops = variant.ops}, at::kCPU)),
      loader_(std::make_unique<FixedLoader>(variant)) {
  ParameterStore& store = *model_.parameters;
  store.Allocate(at::kCPU, variant.element, !variant.validation);
  InitializeParameters(model_, 0);
  executor_ = std::make_unique<Executor>(*model_.graph, store, at::kCPU);
  if (variant.validation) {
    executor_->Load(Lower(*model_.graph, {.purpose = Purpose::kInference,
                                          .images = variant.batch,
                                          .extent = {variant.image_size, variant.image_size},
                                          .activation = variant.element,
                                          .place_foreign = variant.own_allocator}));
    executor_->input().fill_(100);
    return;
  }
  loss_ = std::make_unique<HeadLoss>(model_, Options::From(OptionSet(), {}), std::vector<float>(),
                                     at::kCPU);
  loss_->StartEpoch(0, 100);
  step_ = std::make_unique<BatchStep>(model_, *executor_, *loss_,
                                      BatchStepOptions{.micro_batch = variant.batch,
                                                       .activation = variant.element,
                                                       .recompute = variant.recompute,
                                                       .place_results = variant.own_allocator});
  optimizer_ =
      MakeOptimizer(OptimizerKind::kSgd, store.parameters(), store.value_count(), at::kCPU);
  ema_ = std::make_unique<Ema>(store);
}

double TrainingStep::Run() {
  if (variant_.validation) {
    executor_->Forward();
    return 0;
  }
  const auto start = std::chrono::steady_clock::now();
  const BatchResult result =
      step_->Run(*loader_, 0, variant_.batch, {variant_.image_size, variant_.image_size});
  parts_.network_and_loss += SecondsSince(start);
  const auto update = std::chrono::steady_clock::now();
  Update();
  parts_.optimizer += SecondsSince(update);
  return result.loss;
}

void TrainingStep::Update() {
  const std::vector<GroupStep> groups = {{0.001, 0.9, 0.0005}, {0.001, 0.9, 0}, {0.001, 0.9, 0}};
  UpdateWeights(*model_.parameters, *optimizer_, *ema_, step_->pending(), groups);
}

}  // namespace headroom
