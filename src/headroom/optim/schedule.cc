// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace headroom {
namespace {

// numpy.interp between (0, a) and (n, b), clamped.
double Interpolate(std::int64_t x, std::int64_t n, double a, double b) {
  if (x >= n) return b;
  return a + (b - a) * static_cast<double>(x) / static_cast<double>(n);
}

}  // namespace

OptimizerChoice ChooseOptimizer(std::int64_t iterations, int classes) {
  constexpr std::int64_t kManyIterations = 10000;
  if (iterations > kManyIterations) return {OptimizerKind::kMuSgd, 0.01, 0.9, 0};
  const double lr = std::round(0.002 * 5 / (4 + classes) * 1e6) / 1e6;
  return {OptimizerKind::kAdamW, lr, 0.9, 0};
}

int Schedule::NominalAccumulate() const {
  const double ratio = static_cast<double>(options_.nominal_batch) / options_.batch;
  return std::max(static_cast<int>(std::nearbyint(ratio)), 1);
}

int Schedule::FullAccumulate() const {
  const std::int64_t all = std::max<std::int64_t>(options_.batches * options_.epochs, 1);
  return static_cast<int>(std::min<std::int64_t>(NominalAccumulate(), all));
}

double Schedule::ScaledWeightDecay(double weight_decay) const {
  return weight_decay * options_.batch * NominalAccumulate() / options_.nominal_batch;
}

std::int64_t Schedule::warmup_iterations() const {
  const double epochs = std::min(options_.warmup_epochs, static_cast<double>(options_.epochs - 1));
  return epochs > 0 ? static_cast<std::int64_t>(
                          std::nearbyint(epochs * static_cast<double>(options_.batches)))
                    : 0;
}

double Schedule::EpochFactor(int epoch) const {
  const double progress = static_cast<double>(epoch) / options_.epochs;
  if (options_.cosine) {
    return std::max((1 - std::cos(progress * std::numbers::pi)) / 2, 0.0) *
               (options_.final_share - 1) +
           1;
  }
  return std::max(1 - progress, 0.0) * (1 - options_.final_share) + options_.final_share;
}

double Schedule::Lr(int epoch, std::int64_t iteration, const ParameterGroup& group) const {
  const double target = options_.lr * group.lr_multiplier * EpochFactor(epoch);
  const std::int64_t warmup = warmup_iterations();
  if (warmup == 0 || iteration > warmup) return target;
  return Interpolate(iteration, warmup, group.is_bias ? options_.warmup_bias_lr : 0, target);
}

double Schedule::Momentum(std::int64_t iteration) const {
  const std::int64_t warmup = warmup_iterations();
  if (!options_.warms_momentum || warmup == 0) return options_.optimizer_momentum;
  return Interpolate(iteration, warmup, options_.warmup_momentum, options_.momentum);
}

int Schedule::Accumulate(std::int64_t iteration) const {
  const std::int64_t warmup = warmup_iterations();
  const int full = FullAccumulate();
  if (warmup == 0 || iteration > warmup) return full;
  return std::max(1, static_cast<int>(std::nearbyint(Interpolate(iteration, warmup, 1, full))));
}

}  // namespace headroom
