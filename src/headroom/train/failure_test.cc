// SPDX-License-Identifier: Apache-2.0
// What a step does when memory is refused, and when it keeps less.
#include "headroom/device/out_of_memory.h"
#include "headroom/nn/model.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"
#include "headroom/optim/weight_update.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/failing_memory.h"
#include "headroom/train/random_loader.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <system_error>

namespace headroom {
namespace {

using testing::FailingCache;
using testing::RandomLoader;

constexpr int kSide = 32;
constexpr int kClasses = 3;
constexpr int kBatch = 4;
constexpr std::uint64_t kFailuresTried = 60;

// Every kind of operation in few layers: a failure in each allocation is tried in seconds.
ModelConfig SmallModel() {
  return ParseModelYaml(R"(
nc: 3
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, C3k2, [16, False, 0.25]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, SPPF, [32, 5]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, C2PSA, [128]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 4], 1, Concat, [1]]
  - [-1, 1, C3k2, [16, True]]
  - [[9, 6], 1, Detect, [nc]]
)",
                        "small.yaml");
}

// A model with everything that a step changes.
struct Trained {
  explicit Trained(const ModelConfig& config, OptimizerKind kind = OptimizerKind::kSgd,
                   Recompute recompute = Recompute::kActivations)
      : model(BuildModel(config, {.classes = kClasses}, at::kCPU)) {
    model.parameters->Allocate(at::kCPU, Element::kFloat32, true);
    InitializeParameters(model, 3);
    executor = std::make_unique<Executor>(*model.graph, *model.parameters, at::kCPU);
    loss = std::make_unique<HeadLoss>(model, options, std::vector<float>{}, at::kCPU);
    loss->StartEpoch(0, 10);
    step = std::make_unique<BatchStep>(model, *executor, *loss,
                                       BatchStepOptions{.micro_batch = 2, .recompute = recompute});
    optimizer = MakeOptimizer(kind, model.parameters->parameters(), model.parameters->value_count(),
                              at::kCPU);
    ema = std::make_unique<Ema>(*model.parameters);
  }

  void RunStep(Loader& loader) {
    step->Run(loader, 0, kBatch, {kSide, kSide});
    const std::vector<GroupStep> groups(optimizer->groups().groups.size(),
                                        GroupStep{.lr = 0.01, .momentum = 0.9});
    UpdateWeights(*model.parameters, *optimizer, *ema, step->pending(), groups);
  }

  Options options = Options::From(OptionSet(), {});
  Model model;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<HeadLoss> loss;
  std::unique_ptr<BatchStep> step;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;
};

TEST(BatchStep, AnyAllocationOfAStepMayFailOnceWithoutATrace) {
  BlockCache& cache = FailingCache();
  RandomLoader loader(kBatch, kSide, kClasses);
  Trained expected(SmallModel());
  const std::uint64_t before = cache.Read().allocations;
  expected.RunStep(loader);
  const std::uint64_t allocations = cache.Read().allocations - before;
  ASSERT_GT(allocations, 20U);
  RecordProperty("allocations", static_cast<int>(allocations));
  // Evenly spread over the step: each one costs two steps. All of them with HEADROOM_EXHAUSTIVE=1.
  const std::uint64_t stride =
      std::getenv("HEADROOM_EXHAUSTIVE") != nullptr ? 1 : 1 + allocations / kFailuresTried;
  int failures = 0, tried = 0;
  for (std::uint64_t k = 1; k <= allocations; k += stride, ++tried) {
    Trained run(SmallModel());
    run.step->on_out_of_memory = [&](const std::string&, int count) {
      ++failures;
      run.executor->Unload();
      return count == 1;
    };
    cache.FailAfter(k);
    ASSERT_NO_THROW(run.RunStep(loader)) << "allocation " << k << " of " << allocations;
    cache.FailAfter(0);
    ASSERT_TRUE(at::equal(run.model.parameters->values, expected.model.parameters->values))
        << "allocation " << k;
    ASSERT_TRUE(at::equal(run.model.parameters->running, expected.model.parameters->running));
    ASSERT_TRUE(at::equal(run.ema->values, expected.ema->values)) << "allocation " << k;
  }
  EXPECT_EQ(failures, tried);
}

TEST(BatchStep, AFailureThatNobodyAnswersIsThrownOn) {
  BlockCache& cache = FailingCache();
  RandomLoader loader(kBatch, kSide, kClasses);
  Trained run(SmallModel());
  cache.FailAfter(5);
  EXPECT_ANY_THROW(run.RunStep(loader));
  cache.FailAfter(0);
}

TEST(BatchStep, ASmallerMicroBatchAfterAFailureSeesEveryImageOnce) {
  BlockCache& cache = FailingCache();
  RandomLoader loader(kBatch, kSide, kClasses);
  Trained run(SmallModel());
  run.step->on_out_of_memory = [&](const std::string&, int) {
    run.executor->Unload();
    run.step->set_micro_batch(1);
    return true;
  };
  cache.FailAfter(30);
  const BatchResult result = run.step->Run(loader, 0, kBatch, {kSide, kSide});
  cache.FailAfter(0);
  EXPECT_EQ(result.instances, 1 + 2 + 3 + 4);
  EXPECT_EQ(result.micro_batches, 4);
}

TEST(BatchStep, LargerMicroBatchesServeWhatIsLeftOfABatch) {
  RandomLoader loader(kBatch, kSide, kClasses);
  Trained run(SmallModel());
  run.step->set_micro_batch(1);
  int called = 0;
  run.step->between_micro_batches = [&] {
    if (++called == 1) run.step->set_micro_batch(3);
  };
  const BatchResult result = run.step->Run(loader, 0, kBatch, {kSide, kSide});
  EXPECT_EQ(result.micro_batches, 2);
  EXPECT_EQ(result.instances, 1 + 2 + 3 + 4) << "every image once";
  EXPECT_EQ(called, 1) << "not at the end";
}

TEST(BatchStep, WarmingUpLeavesNothingBehind) {
  RandomLoader loader(kBatch, kSide, kClasses);
  const ModelConfig config = ReadModelYaml("yolo26n.yaml");
  Trained plain(config, OptimizerKind::kMuSgd), warm(config, OptimizerKind::kMuSgd);
  warm.step->WarmUp(2, {kSide, kSide}, 500);
  plain.RunStep(loader);
  warm.RunStep(loader);
  EXPECT_TRUE(at::equal(plain.model.parameters->values, warm.model.parameters->values));
  EXPECT_TRUE(at::equal(plain.model.parameters->running, warm.model.parameters->running));
}

class EveryRecompute : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryRecompute, GivesTheSameGradients) {
  RandomLoader loader(kBatch, kSide, kClasses);
  at::Tensor expected;
  for (const Recompute recompute :
       {Recompute::kNone, Recompute::kActivations, Recompute::kBlocks}) {
    Trained run(ReadModelYaml(GetParam()), OptimizerKind::kSgd, recompute);
    run.step->Run(loader, 0, kBatch, {kSide, kSide});
    const at::Tensor gradients = run.step->pending();
    if (!expected.defined()) expected = gradients.clone();
    const double difference = ((gradients - expected).norm() / expected.norm()).item<double>();
    EXPECT_LT(difference, 1e-4) << static_cast<int>(recompute);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryRecompute,
                         ::testing::Values("yolo11n.yaml", "yolo11m.yaml", "yolov8n.yaml",
                                           "yolo26n.yaml"));

TEST(OutOfMemoryText, KnowsAThreadThatDoesNotStart) {
  const std::system_error thread(std::make_error_code(std::errc::resource_unavailable_try_again));
  EXPECT_NE(OutOfMemoryText(thread).value_or("").find("ulimit -u"), std::string::npos);
  EXPECT_TRUE(
      OutOfMemoryText(std::system_error(std::make_error_code(std::errc::not_enough_memory))));
  EXPECT_FALSE(
      OutOfMemoryText(std::system_error(std::make_error_code(std::errc::no_space_on_device))));
}

}  // namespace
}  // namespace headroom
