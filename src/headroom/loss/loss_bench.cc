// SPDX-License-Identifier: Apache-2.0
// The loss of a batch of 16 images at 640 pixels: the CPU implementation beside its ATen twin.
#include "headroom/loss/detection_loss.h"
#include "headroom/loss/loss_test_data.h"

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

namespace headroom {
namespace {

using Factory = std::unique_ptr<DetectionLoss> (*)(DetectionLossOptions);

void Loss(benchmark::State& state, Factory factory, int reg_max) {
  constexpr int kImages = 16, kSide = 640;
  const auto classes = static_cast<int>(state.range(0)), boxes = static_cast<int>(state.range(1));
  const DetectionLossOptions options{.classes = classes, .reg_max = reg_max};
  const HeadMaps maps = testing::RandomMaps(Rng(1), options, kImages, kSide, kSide);
  const BatchTargets targets =
      testing::RandomTargets(Rng(2), classes, std::vector<int>(kImages, boxes), kSide, kSide);
  HeadMaps gradients = ZerosLike(maps);
  const auto loss = factory(options);
  for (auto _ : state) loss->ForwardBackward(maps, targets, 1, gradients);
  state.SetItemsProcessed(state.iterations() * kImages);
}

BENCHMARK_CAPTURE(Loss, cpu, MakeCpuDetectionLoss, 16)
    ->Args({1, 10})
    ->Args({80, 10})
    ->Args({80, 100})
    ->Args({1, 1000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Loss, cpu_l1, MakeCpuDetectionLoss, 1)
    ->Args({80, 10})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Loss, twin, MakeReferenceDetectionLoss, 16)
    ->Args({1, 10})
    ->Args({80, 10})
    ->Args({80, 100})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace headroom

BENCHMARK_MAIN();
