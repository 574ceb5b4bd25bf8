// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/training_setup.h"

#include <optional>
#include <string>
#include <vector>

namespace headroom {

// Other settings, and why, in one line.
struct SettingsChange {
  TrainSettings settings;
  std::string line;
};

// For the message of a plan that does not fit, to be put behind it: the picture that asks for most,
// where reading pictures is a large part of the plan; else empty.
[[nodiscard]] std::string ExplainPictures(const PlanSubject& subject, const MemoryPlan& plan);

// Decides by the plan what a run does with the memory that there is: before the first step, when
// the limit has moved, and when an allocation has failed. Not thread-safe: the training thread's.
class Adaptation {
 public:
  // `wanted` is what the run would do with memory enough; nothing grows beyond it. The setup must
  // outlive it.
  Adaptation(const TrainingSetup& setup, OptimizerKind optimizer, const TrainSettings& wanted);

  // Fits the wanted settings to the limit; the steps that this took, a line each. Throws
  // BudgetError that says what would be needed when not even one image fits.
  std::vector<std::string> FitFirst();
  // Whether the budget's limit is no longer the one that was planned for.
  [[nodiscard]] bool LimitMoved() const { return setup_.Limits()[0].bytes != planned_limit_; }
  // Between two batches, when the budget's limit is no longer the one that was planned for: smaller
  // settings, or larger ones again. The caller adopts them.
  [[nodiscard]] std::optional<SettingsChange> AtBoundary();
  // Between two micro-batches of a batch, when the budget's limit has grown: larger ones for what
  // is still to come, as far as `most` images and what the loader as it is leaves allow.
  [[nodiscard]] std::optional<SettingsChange> WithinBatch(std::int64_t most);
  // Memory was refused although free blocks were given back: what the limit of now asks for, else
  // the next step of the ladder at `from` or later. Nothing when one image is all there is.
  [[nodiscard]] std::optional<SettingsChange> AfterFailure(
      ReclaimOrder from = ReclaimOrder::kRecomputeActivations);
  // The peak of the smallest settings: below it a budget would end the run by itself.
  [[nodiscard]] Bytes SmallestPeak() const;
  // The same while the loader stays as the settings of now made it: what a running step or
  // validation can go down to.
  [[nodiscard]] Bytes LeastInStep() const;
  // Nothing was refused, but a step was broken off to give way: what the limit of now asks for.
  [[nodiscard]] std::optional<SettingsChange> ToLimit(
      ReclaimOrder from = ReclaimOrder::kRecomputeActivations);

  [[nodiscard]] const TrainSettings& now() const { return now_; }
  [[nodiscard]] const MemoryPlan& plan() const { return plan_; }
  // Of the plans that were in force, this one's included.
  [[nodiscard]] Bytes largest_peak() const { return largest_peak_; }
  [[nodiscard]] PlanLimits limits() const { return setup_.Limits(); }
  [[nodiscard]] PlanSubject subject() const { return setup_.Subject(optimizer_); }

 private:
  void SetPlan(MemoryPlan plan);

  const TrainingSetup& setup_;
  const OptimizerKind optimizer_;
  const TrainSettings wanted_;
  TrainSettings now_;
  MemoryPlan plan_;
  Bytes largest_peak_;
  Bytes planned_limit_;
  Bytes looked_at_limit_;  // By WithinBatch.
};

}  // namespace headroom
