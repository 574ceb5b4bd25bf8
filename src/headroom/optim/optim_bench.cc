// SPDX-License-Identifier: Apache-2.0
// One optimizer step over YOLO26n, EMA included: the CPU passes beside the ATen twins.
#include "headroom/nn/model.h"
#include "headroom/optim/aten_optimizer.h"
#include "headroom/optim/gradient_clip.h"
#include "headroom/optim/musgd.h"

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

namespace headroom {
namespace {

void Step(benchmark::State& state, OptimizerKind kind, bool twin) {
  const Model model = BuildModel(ReadModelYaml("yolo26n.yaml"), {.classes = 80}, at::kCPU);
  const auto parameters = model.parameters->parameters();
  const std::int64_t count = model.parameters->value_count();
  at::Tensor values = at::randn({count}), ema = values.clone();
  const at::Tensor gradients = at::randn({count});
  const auto optimizer = !twin ? MakeOptimizer(kind, parameters, count, at::kCPU)
                         : kind == OptimizerKind::kMuSgd
                             ? MakeAtenMuSgd(parameters, count, at::kCPU)
                             : MakeAtenOptimizer(kind, parameters, count, at::kCPU);
  const std::vector<GroupStep> steps(8, {.lr = 1e-4, .momentum = 0.9, .weight_decay = 5e-4});
  for (auto _ : state) {
    const double scale = ClipFactor(GradientNorm(gradients), 10);
    optimizer->Step({.values = values,
                     .gradients = gradients,
                     .gradient_scale = scale,
                     .ema = ema,
                     .ema_decay = 0.9},
                    steps);
  }
  state.SetItemsProcessed(state.iterations() * count);
}

BENCHMARK_CAPTURE(Step, sgd, OptimizerKind::kSgd, false)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, sgd_twin, OptimizerKind::kSgd, true)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, adamw, OptimizerKind::kAdamW, false)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, adamw_twin, OptimizerKind::kAdamW, true)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, nadam, OptimizerKind::kNAdam, false)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, musgd, OptimizerKind::kMuSgd, false)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Step, musgd_twin, OptimizerKind::kMuSgd, true)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace headroom

BENCHMARK_MAIN();
