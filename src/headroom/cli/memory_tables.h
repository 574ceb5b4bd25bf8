// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/train_plan.h"
#include "headroom/train/training_setup.h"

#include <string>
#include <vector>

namespace headroom {

// A training that is planned and not run, for this machine or, with ram= and vram=, for another.
class PlannedMachine {
 public:
  // Reads data and model, runs the step on two images to measure this process. Throws what a
  // training would.
  PlannedMachine(const Options& options, TrainObserver& observer);

  // The plan of the options as they are, or with one of them changed, within the machine's limits
  // or those of a host of another size.
  struct Outcome {
    FitOutcome<TrainSettings> fit;
    std::string batch_note;
    OptimizerKind optimizer;
  };
  [[nodiscard]] Outcome Fit(const PlanLimits& limits) const;
  [[nodiscard]] Outcome FitWith(const Options& options, const PlanLimits& limits) const;

  // The budget that a host with so much memory would give.
  [[nodiscard]] PlanLimits HostOf(Bytes ram, const std::string& origin) const;
  [[nodiscard]] const PlanLimits& limits() const { return limits_; }
  // How memory= and vram= of a plan would raise them.
  [[nodiscard]] const LimitRaises& raises() const { return raises_; }
  [[nodiscard]] const TrainingSetup& setup() const { return setup_; }
  [[nodiscard]] bool fits() const { return Fit(limits_).fit.fits; }
  [[nodiscard]] int gpus() const { return setup_.place == MemoryPlace::kDevice ? 1 : 0; }
  [[nodiscard]] Bytes ram() const { return ram_; }

 private:
  TrainingSetup setup_;
  PlanLimits limits_;
  LimitRaises raises_;
  Bytes ram_;  // Of the host that is planned for.
};

// Settings, what had to give, the table.
[[nodiscard]] std::string PlanTable(const PlannedMachine& machine);
// What the reference would have taken on so many GPUs, which may be none of the machine's (a run of
// somewhere else), and what of it in a host of `ram`; of Bytes::Max() nothing is said.
[[nodiscard]] std::string ReferenceText(const PlannedMachine& machine, int gpus, Bytes ram);
// `yolo memory plan`: both.
[[nodiscard]] std::string PlanText(const PlannedMachine& machine);
// One knob (batch, imgsz, workers, recompute): its values and what each needs. Throws ConfigError
// for another name.
[[nodiscard]] std::string CompareText(const PlannedMachine& machine, const std::string& knob);
// What advise plans with: of what was not typed, the loader's threads are left to the run and, on a
// device, the batch to the memory.
[[nodiscard]] Options AsAdvised(const Options& options);
// `yolo memory advise`: the best for this machine, a table of other machines, what each knob buys,
// the command. `words` are the arguments as typed.
[[nodiscard]] std::string AdviceText(const PlannedMachine& machine,
                                     const std::vector<std::string>& words);

}  // namespace headroom
