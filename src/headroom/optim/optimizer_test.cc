// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/optimizer.h"

#include "headroom/optim/aten_optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/optim.h>

#include <cmath>

namespace headroom {
namespace {

std::vector<Parameter> TwoParameters() {
  return {{.name = "w",
           .shape = {4, 3, 3, 3},
           .offset = 0,
           .count = 108,
           .kind = ParameterKind::kWeight},
          {.name = "b", .shape = {5}, .offset = 112, .count = 5, .kind = ParameterKind::kBias}};
}

// Our optimizers against LibTorch's own, on the same gradients.
template <typename TorchOptimizer, typename TorchOptions>
void CompareWithTorch(OptimizerKind kind, const TorchOptions& options, bool aten) {
  const std::vector<Parameter> parameters = TwoParameters();
  at::manual_seed(1);
  at::Tensor values = at::randn({117});
  values.narrow(0, 108, 4).zero_();
  std::vector<at::Tensor> leaves = {values.narrow(0, 0, 108).clone().requires_grad_(),
                                    values.narrow(0, 112, 5).clone().requires_grad_()};
  TorchOptimizer torch_optimizer(leaves, options);
  const auto ours = aten ? MakeAtenOptimizer(kind, parameters, 117, at::kCPU)
                         : MakeOptimizer(kind, parameters, 117, at::kCPU);
  const std::vector<GroupStep> steps(3, {.lr = 0.01, .momentum = 0.9, .weight_decay = 0.05});
  for (int i = 0; i < 8; ++i) {
    const at::Tensor gradient = at::randn({117});
    leaves[0].mutable_grad() = gradient.narrow(0, 0, 108).clone();
    leaves[1].mutable_grad() = gradient.narrow(0, 112, 5).clone();
    torch_optimizer.step();
    ours->Step({.values = values, .gradients = gradient}, steps);
  }
  EXPECT_LT((values.narrow(0, 0, 108) - leaves[0]).abs().max().item<double>(), 2e-6);
  EXPECT_LT((values.narrow(0, 112, 5) - leaves[1]).abs().max().item<double>(), 2e-6);
}

TEST(Optimizer, SgdEqualsLibTorch) {
  for (const bool aten : {false, true}) {
    CompareWithTorch<torch::optim::SGD>(
        OptimizerKind::kSgd,
        torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(true).weight_decay(0.05), aten);
  }
}

TEST(Optimizer, AdamAndAdamWEqualLibTorch) {
  for (const bool aten : {false, true}) {
    CompareWithTorch<torch::optim::Adam>(OptimizerKind::kAdam,
                                         torch::optim::AdamOptions(0.01).weight_decay(0.05), aten);
    CompareWithTorch<torch::optim::AdamW>(
        OptimizerKind::kAdamW, torch::optim::AdamWOptions(0.01).weight_decay(0.05), aten);
  }
}

TEST(Optimizer, RmsPropEqualsLibTorch) {
  CompareWithTorch<torch::optim::RMSprop>(
      OptimizerKind::kRmsProp, torch::optim::RMSpropOptions(0.01).momentum(0.9).weight_decay(0.05),
      true);
}

// Four weights and eight steps with gradients sin(1 + step + 0.7 i), as PyTorch 2.14 moves them.
TEST(Optimizer, TheOtherAdamsFollowPyTorchsTrajectories) {
  struct Case {
    OptimizerKind kind;
    std::vector<float> expected;
    int steps = 8;
  };
  const std::vector<Case> cases = {
      {OptimizerKind::kSgd, {0.179543942F, -1.1882453F, 1.96455646F, 0.202472031F}},
      {OptimizerKind::kAdam, {0.340074748F, -1.10184646F, 1.96904194F, 0.0686906353F}},
      {OptimizerKind::kAdamW, {0.33986932F, -1.10183024F, 1.97064722F, 0.0686509237F}},
      {OptimizerKind::kAdamax, {0.354503304F, -1.08904839F, 1.96285915F, 0.0354036018F}},
      {OptimizerKind::kNAdam, {0.403945863F, -1.0723716F, 1.95848238F, 0.001679337F}},
      {OptimizerKind::kRAdam, {0.375582218F, -1.07730722F, 1.99577868F, 0.0813200027F}},
      {OptimizerKind::kRAdam, {0.383073896F, -1.09492159F, 1.96568298F, 0.0485149324F}, 3},
      {OptimizerKind::kRmsProp, {-2.78511405F, -2.77519774F, 1.60373628F, 0.170854107F}}};
  const std::vector<Parameter> parameters = {
      {.name = "w", .shape = {4}, .offset = 0, .count = 4, .kind = ParameterKind::kBias}};
  const std::vector<GroupStep> steps(3, {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01});
  for (const bool aten : {false, true}) {
    for (const Case& c : cases) {
      at::Tensor values = at::tensor({0.5F, -1.F, 2.F, 0.F});
      const auto optimizer = aten ? MakeAtenOptimizer(c.kind, parameters, 4, at::kCPU)
                                  : MakeOptimizer(c.kind, parameters, 4, at::kCPU);
      for (int t = 0; t < c.steps; ++t) {
        const at::Tensor gradients =
            at::sin(1. + t + 0.7 * at::arange(4, at::kDouble)).to(at::kFloat);
        optimizer->Step({.values = values, .gradients = gradients}, steps);
      }
      for (std::int64_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(values[i].item<float>(), c.expected[static_cast<std::size_t>(i)], 2e-6F)
            << Name(c.kind) << ' ' << i << (aten ? " aten" : "");
      }
    }
  }
}

// One step of a single weight 1 with gradient 0.5, from the formulas by hand.
TEST(Optimizer, FirstStepsOfTheOtherAdamsFollowTheirFormulas) {
  const std::vector<Parameter> one = {
      {.name = "b", .shape = {1}, .offset = 0, .count = 1, .kind = ParameterKind::kBias}};
  const auto step = [&](OptimizerKind kind) {
    at::Tensor value = at::ones({1});
    MakeOptimizer(kind, one, 1, at::kCPU)
        ->Step({.values = value, .gradients = at::full({1}, 0.5)},
               std::vector<GroupStep>(3, {.lr = 0.01, .momentum = 0.9}));
    return value.item<double>();
  };
  EXPECT_NEAR(step(OptimizerKind::kAdamax), 1 - 0.01, 1e-6);       // m / (1 - b1) = g, u = |g|.
  EXPECT_NEAR(step(OptimizerKind::kRAdam), 1 - 0.01 * 0.5, 1e-6);  // rho <= 5: plain momentum.
  const double mu1 = 0.9 * (1 - 0.5 * std::pow(0.96, 0.004));
  const double mu2 = 0.9 * (1 - 0.5 * std::pow(0.96, 0.008));
  EXPECT_NEAR(step(OptimizerKind::kNAdam), 1 - 0.01 - 0.01 * mu2 * 0.1 / (1 - mu1 * mu2), 1e-6);
}

TEST(Optimizer, FusedStepAveragesAndCopiesInTheSamePass) {
  const std::vector<Parameter> parameters = TwoParameters();
  at::Tensor values = at::randn({117});
  at::Tensor ema = values.clone();
  at::Tensor compute = at::zeros({117}, at::kBFloat16);
  const at::Tensor before = values.clone();
  MakeOptimizer(OptimizerKind::kAdamW, parameters, 117, at::kCPU)
      ->Step({.values = values,
              .gradients = at::randn({117}),
              .ema = ema,
              .ema_decay = 0.75,
              .compute = compute},
             std::vector<GroupStep>(3, {.lr = 0.1, .momentum = 0.9}));
  EXPECT_TRUE(at::allclose(ema.narrow(0, 0, 108), (before * 0.75 + values * 0.25).narrow(0, 0, 108),
                           1e-6, 1e-6));
  EXPECT_TRUE(compute.narrow(0, 0, 108).equal(values.narrow(0, 0, 108).to(at::kBFloat16)));
}

TEST(Optimizer, FrozenParametersAreNotTouched) {
  std::vector<Parameter> parameters = TwoParameters();
  parameters[0].trainable = false;
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kNAdam, OptimizerKind::kMuSgd}) {
    at::Tensor values = at::ones({117});
    MakeOptimizer(kind, parameters, 117, at::kCPU)
        ->Step({.values = values, .gradients = at::ones({117})},
               std::vector<GroupStep>(8, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1}));
    EXPECT_TRUE(values.narrow(0, 0, 108).equal(at::ones({108})));
    EXPECT_LT(values[112].item<double>(), 1);
  }
}

// Pieces, threads, EMA, bf16 copy and gradient scale: everything that the fused pass does beside
// the rule.
TEST(Optimizer, FusedPassesAgreeWithTheirTwins) {
  const std::vector<Parameter> parameters = {
      {.name = "w",
       .shape = {64, 3, 3, 200},
       .offset = 0,
       .count = 115200,
       .kind = ParameterKind::kWeight},
      {.name = "b", .shape = {77}, .offset = 115200, .count = 77, .kind = ParameterKind::kBias}};
  constexpr std::int64_t kCount = 115277;
  std::vector<GroupStep> steps(8, {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1});
  steps[2] = {.lr = 0.05, .momentum = 0.9, .weight_decay = 0};
  for (int kind = 0; kind < 7; ++kind) {
    at::manual_seed(kind);
    at::Tensor values = at::randn({kCount});
    struct Run {
      at::Tensor values, ema, compute;
      std::unique_ptr<Optimizer> optimizer;
    };
    std::vector<Run> runs;
    for (const bool aten : {false, true}) {
      const auto k = static_cast<OptimizerKind>(kind);
      runs.push_back({values.clone(), values.clone(), values.to(at::kBFloat16),
                      aten ? MakeAtenOptimizer(k, parameters, kCount, at::kCPU)
                           : MakeOptimizer(k, parameters, kCount, at::kCPU)});
    }
    for (int t = 0; t < 7; ++t) {
      const at::Tensor gradients = at::randn({kCount});
      for (Run& run : runs) {
        run.optimizer->Step({.values = run.values,
                             .gradients = gradients,
                             .gradient_scale = 0.3,
                             .ema = run.ema,
                             .ema_decay = 0.9,
                             .compute = run.compute},
                            steps);
      }
    }
    const std::string name(Name(static_cast<OptimizerKind>(kind)));
    EXPECT_LT((runs[0].values - runs[1].values).abs().max().item<double>(), 2e-5) << name;
    EXPECT_LT((runs[0].ema - runs[1].ema).abs().max().item<double>(), 2e-5) << name;
    EXPECT_TRUE(at::equal(runs[0].compute, runs[0].values.to(at::kBFloat16))) << name;
    EXPECT_EQ(runs[0].optimizer->states().size(), runs[1].optimizer->states().size());
  }
}

TEST(Optimizer, DoesNotDependOnTheNumberOfThreads) {
  const std::vector<Parameter> parameters = {{.name = "w",
                                              .shape = {64, 3, 3, 200},
                                              .offset = 0,
                                              .count = 115200,
                                              .kind = ParameterKind::kWeight}};
  const int threads = at::get_num_threads();
  at::manual_seed(3);
  const at::Tensor start = at::randn({115200}), gradients = at::randn({115200});
  for (const OptimizerKind kind : {OptimizerKind::kAdamW, OptimizerKind::kNAdam}) {
    std::vector<at::Tensor> results;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      results.push_back(start.clone());
      MakeOptimizer(kind, parameters, 115200, at::kCPU)
          ->Step({.values = results.back(), .gradients = gradients},
                 std::vector<GroupStep>(3, {.lr = 0.1, .momentum = 0.9}));
    }
    EXPECT_TRUE(at::equal(results[0], results[1]));
    EXPECT_TRUE(at::equal(results[0], results[2]));
  }
  at::set_num_threads(threads);
}

TEST(Optimizer, DeclaresItsStates) {
  const std::vector<Parameter> parameters = TwoParameters();
  EXPECT_EQ(EstimateOptimizerMemory(OptimizerKind::kSgd, parameters, 117).Total(), Bytes(117 * 4));
  EXPECT_EQ(EstimateOptimizerMemory(OptimizerKind::kNAdam, parameters, 117).Total(),
            Bytes(117 * 8));
  // Scratch: the 4 x 27 matrix and its 4 x 4 products, each twice, padded to 16 elements.
  EXPECT_EQ(EstimateOptimizerMemory(OptimizerKind::kMuSgd, parameters, 117).Total(),
            Bytes(117 * 8 + 4 * 2 * (112 + 16)));
}

}  // namespace
}  // namespace headroom
