// SPDX-License-Identifier: Apache-2.0
// Memory that a step frees is taken again by the next one, not from the kernel.
#include "headroom/nn/model.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"
#include "headroom/optim/weight_update.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/failing_memory.h"
#include "headroom/train/random_loader.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

namespace headroom {
namespace {

using testing::FailingCache;
using testing::RandomLoader;

constexpr int kSide = 160;
constexpr std::int64_t kBatch = 2;
constexpr int kClasses = 3;

std::int64_t MinorFaults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// A whole step of YOLO11n, the optimizer's included.
class StepFaults : public ::testing::TestWithParam<Element> {};

TEST_P(StepFaults, AreFewOnceTwoStepsHaveRun) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's shadow memory faults, too";
#endif
  // As in a training process. malloc would otherwise keep blocks of a step this small by itself,
  // and what does not come from the cache would not show.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 22);
  const BlockCache& cache = FailingCache();
  Model model = BuildModel(ReadModelYaml("yolo11n.yaml"),
                           {.classes = kClasses, .ops = OpsChoice::kFused}, at::kCPU);
  ParameterStore& store = *model.parameters;
  store.Allocate(at::kCPU, GetParam(), true);
  InitializeParameters(model, 3);
  store.RefreshCompute();
  Executor executor(*model.graph, store, at::kCPU);
  HeadLoss loss(model, Options::From(OptionSet(), {}), {}, at::kCPU);
  loss.StartEpoch(0, 10);
  BatchStep step(model, executor, loss, {.micro_batch = kBatch, .activation = GetParam()});
  const auto optimizer =
      MakeOptimizer(OptimizerKind::kSgd, store.parameters(), store.value_count(), at::kCPU);
  Ema ema(store);
  const std::vector<GroupStep> groups(optimizer->groups().groups.size(),
                                      GroupStep{.lr = 0.01, .momentum = 0.9});
  RandomLoader loader(kBatch, kSide, kClasses);
  const auto run = [&] {
    (void)step.Run(loader, 0, kBatch, {kSide, kSide});
    UpdateWeights(store, *optimizer, ema, step.pending(), groups);
  };
  run();
  run();
  const std::uint64_t commits = cache.Read().commits;
  for (int i = 0; i < 2; ++i) {
    const std::int64_t before = MinorFaults();
    run();
    EXPECT_LT(MinorFaults() - before, 2000) << "step " << i + 2;
  }
  EXPECT_EQ(cache.Read().commits, commits);
}

INSTANTIATE_TEST_SUITE_P(All, StepFaults, ::testing::Values(Element::kFloat32, Element::kBFloat16));

}  // namespace
}  // namespace headroom
