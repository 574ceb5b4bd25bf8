// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/optim/optimizer.h"

#include <cstdint>

namespace headroom {

// The optimizer and rates that `optimizer=auto` stands for in the reference: by iterations, and for
// AdamW lr = 0.002 * 5 / (4 + classes), six decimals.
struct OptimizerChoice {
  OptimizerKind kind = OptimizerKind::kSgd;
  double lr = 0.01;
  double momentum = 0.937;
  double warmup_bias_lr = 0.1;
};
[[nodiscard]] OptimizerChoice ChooseOptimizer(std::int64_t iterations, int classes);

struct ScheduleOptions {
  int epochs = 100;
  std::int64_t batches = 1;  // An epoch.
  int batch = 16;
  int nominal_batch = 64;
  double lr = 0.01;
  double final_share = 0.01;  // lrf
  bool cosine = false;
  double momentum = 0.937;
  // Warmed up from warmup_momentum only where the optimizer has a momentum (not beta1).
  bool warms_momentum = true;
  double optimizer_momentum = 0.937;  // Used where momentum is not warmed up.
  double warmup_epochs = 3;
  double warmup_momentum = 0.8;
  double warmup_bias_lr = 0.1;
};

// Learning rates, momentum and accumulation of every iteration, as the reference (8.4.190) sets
// them.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options) : options_(options) {}

  // Iterations of the warm-up: none for one epoch or warmup_epochs 0.
  [[nodiscard]] std::int64_t warmup_iterations() const;
  // Of a group at an iteration (batch + batches * epoch).
  [[nodiscard]] double Lr(int epoch, std::int64_t iteration, const ParameterGroup& group) const;
  [[nodiscard]] double Momentum(std::int64_t iteration) const;
  // Batches whose gradients make one step.
  [[nodiscard]] int Accumulate(std::int64_t iteration) const;
  // nominal / batch, rounded, at least 1.
  [[nodiscard]] int NominalAccumulate() const;
  // The same, at most all batches of the run.
  [[nodiscard]] int FullAccumulate() const;
  // What the option weight_decay means for this batch: * batch * NominalAccumulate() / nominal.
  [[nodiscard]] double ScaledWeightDecay(double weight_decay) const;
  // The factor on the initial rate in an epoch, warm-up apart.
  [[nodiscard]] double EpochFactor(int epoch) const;
  void set_epochs(int epochs) { options_.epochs = epochs; }
  [[nodiscard]] const ScheduleOptions& options() const { return options_; }

 private:
  ScheduleOptions options_;
};

}  // namespace headroom
