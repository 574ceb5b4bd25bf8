// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/file.h"
#include "headroom/nn/model.h"
#include "headroom/optim/early_stopping.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/gradient_clip.h"
#include "headroom/optim/parameter_groups.h"
#include "headroom/optim/schedule.h"
#include "headroom/testing/shared_files.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using testing::SharedFile;

std::vector<std::size_t> Counts(const ParameterGroups& groups) {
  std::vector<std::size_t> counts(groups.groups.size());
  for (const std::size_t group : groups.group_of) ++counts[group];
  return counts;
}

TEST(ParameterGroups, CountsAreTheReferences) {
  const Model m11 = BuildModel(ReadModelYaml("yolo11n.yaml"), {.classes = 80}, at::kCPU);
  const Model m26 = BuildModel(ReadModelYaml("yolo26n.yaml"), {.classes = 80}, at::kCPU);
  EXPECT_THAT(Counts(ParameterGroups::Three(m11.parameters->parameters())),
              ElementsAre(88, 81, 87));
  EXPECT_THAT(Counts(ParameterGroups::Three(m26.parameters->parameters())),
              ElementsAre(126, 114, 126));
  EXPECT_THAT(Counts(ParameterGroups::Eight(m11.parameters->parameters())),
              ElementsAre(0, 0, 12, 69, 15, 72, 15, 73));
  EXPECT_THAT(Counts(ParameterGroups::Eight(m26.parameters->parameters())),
              ElementsAre(0, 0, 24, 90, 30, 96, 30, 96));
}

TEST(Schedule, EveryIterationIsTheReferences) {
  HEADROOM_NEEDS_SHARED("golden/schedule.json");
  const auto json = nlohmann::json::parse(ReadFile(SharedFile("golden/schedule.json")).value());
  const auto check = [&](const char* key, const ScheduleOptions& options) {
    const Schedule schedule(options);
    for (const auto& row : json[key]) {
      const int epoch = row[0];
      const std::int64_t iteration = row[1].get<std::int64_t>() + options.batches * epoch;
      EXPECT_NEAR(schedule.Lr(epoch, iteration, {.is_bias = true}), row[2], 1e-9)
          << key << iteration;
      EXPECT_NEAR(schedule.Lr(epoch, iteration, {}), row[3], 1e-9) << key << iteration;
      EXPECT_NEAR(schedule.Momentum(iteration), row[4], 1e-9) << key << iteration;
      EXPECT_EQ(schedule.Accumulate(iteration), row[5]) << key << iteration;
    }
  };
  check("linear", {.epochs = 8, .batches = 19});
  check("cosine", {.epochs = 8, .batches = 19, .cosine = true});
  check("two_epochs", {.epochs = 2, .batches = 6});
  for (const auto& row : json["ema_decay"]) EXPECT_NEAR(Ema::Decay(row[0]), row[1], 1e-12);
}

TEST(ChooseOptimizer, FollowsIterationsAndClasses) {
  EXPECT_EQ(ChooseOptimizer(10001, 80).kind, OptimizerKind::kMuSgd);
  EXPECT_EQ(ChooseOptimizer(10000, 80).kind, OptimizerKind::kAdamW);
  EXPECT_DOUBLE_EQ(ChooseOptimizer(100, 80).lr, 0.000119);
  EXPECT_DOUBLE_EQ(ChooseOptimizer(100, 3).lr, 0.001429);
  EXPECT_DOUBLE_EQ(ChooseOptimizer(100, 1).lr, 0.002);
}

TEST(EarlyStopping, OnlyStrictlyBetterMovesTheBestEpoch) {
  EarlyStopping stopper(2);
  EXPECT_FALSE(stopper.Update(0, 0.5));
  EXPECT_FALSE(stopper.Update(1, 0.5));
  EXPECT_TRUE(stopper.Update(2, 0.5));
  EarlyStopping slow(2);  // Nothing found in the first epochs: not a reason to stop.
  for (int epoch = 0; epoch < 6; ++epoch) EXPECT_FALSE(slow.Update(epoch, 0));
  EXPECT_EQ(slow.best_epoch, 5);
  EarlyStopping never(0);
  for (int epoch = 0; epoch < 500; ++epoch) EXPECT_FALSE(never.Update(epoch, 0));
}

TEST(GradientNorm, IsExactAndSeesNonFiniteValues) {
  at::Tensor gradients = at::randn({100001});
  EXPECT_NEAR(GradientNorm(gradients), gradients.to(at::kDouble).norm().item<double>(), 1e-6);
  const double whole = GradientNorm(gradients);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  EXPECT_EQ(GradientNorm(gradients), whole);
  at::set_num_threads(threads);
  EXPECT_EQ(GradientNorm(at::zeros({3})), 0);
  EXPECT_NEAR(GradientNorm(at::full({3}, 2.)), std::sqrt(12), 1e-6);
  gradients[77] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(GradientNorm(gradients)));
  EXPECT_DOUBLE_EQ(ClipFactor(5, 10), 1);
  EXPECT_NEAR(ClipFactor(20, 10), 0.5, 1e-6);
}

}  // namespace
}  // namespace headroom
