// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/training_source.h"
#include "headroom/graph/program.h"
#include "headroom/memory/fit.h"
#include "headroom/memory/memory_plan.h"
#include "headroom/memory/reference_estimate.h"
#include "headroom/nn/model.h"
#include "headroom/optim/optimizer.h"
#include "headroom/train/train_settings.h"

#include <string>
#include <vector>

namespace headroom {

// What a convolution needs beside its operands, measured by running the step on a few images. Each
// thread convolves images, or parts of them, of its own: what it takes comes once a thread, and
// grows with its images alone.
struct MeasuredScratch {
  int threads = 1;   // Of the run.
  int measured = 1;  // Threads of the measurement:
  Bytes one_each;    // with an image each,
  Bytes two_each;    // with two each,
  Bytes another;     // and what a thread more takes for its one.
  Extent extent;     // Of the images.

  [[nodiscard]] Bytes For(std::int64_t images, const Extent& at) const;
};

// All that a plan of a training run depends on beside its settings. Refers to what it is given.
struct PlanSubject {
  const Model& model;  // Declared; need not be allocated.
  const Options& options;
  const DatasetIndex& train;
  const DatasetIndex& val;
  OptimizerKind optimizer = OptimizerKind::kSgd;
  Element activation = Element::kFloat32;
  std::vector<bool> trained_layers;
  MemoryPlace place = MemoryPlace::kHost;  // Of the model's tensors.
  Bytes runtime;                           // Libraries and heap, as resident now.
  PhaseBytes unplanned{};                  // What runs that were killed held beyond their plans.
  MeasuredScratch scratch;

  // The largest side that multi_scale may choose.
  [[nodiscard]] Extent LargestExtent() const;
  // The most boxes that an augmented training image can have: four images meet in a mosaic, eight
  // with mixup or cutmix.
  [[nodiscard]] std::int64_t MostBoxes() const;
};

// Options of the training source that these settings make.
[[nodiscard]] TrainingSourceOptions SourceOptions(const Options& options,
                                                  const TrainSettings& settings);
[[nodiscard]] ProgramOptions TrainingProgram(const PlanSubject& subject,
                                             const TrainSettings& settings);

// The run's memory by part and phase: activations from the dry run of the executor (Lower), the
// rest from each part's own estimate. Milliseconds; touches no data.
[[nodiscard]] MemoryPlan PlanTraining(const PlanSubject& subject, const TrainSettings& settings);

// The ladder of least harm (what ReclaimOrder says, in its order), for Fit. Free blocks are none in
// a plan.
[[nodiscard]] std::vector<FitStep<TrainSettings>> TrainLadder();
// Takes steps of the ladder until the plan is within the limits, then gives back to the cheap rungs
// what the last step left over.
[[nodiscard]] FitOutcome<TrainSettings> FitTraining(const PlanSubject& subject,
                                                    const TrainSettings& settings,
                                                    const PlanLimits& limits);

// What the training loader holds with these settings: its ring of images and its workers.
[[nodiscard]] MemoryNeed LoaderNeed(const PlanSubject& subject, const TrainSettings& settings);

// Of the reference; to plan with while the batch is not chosen yet.
inline constexpr int kDefaultBatch = 16;

// batch= of the options as a number of images, and in a line what decided it where that is not what
// was typed.
struct BatchChoice {
  int images = kDefaultBatch;
  std::string why;
};
// -1: 16 on a CPU, the largest that fits on a device;
// a share below 1: the largest multiple of 8 (at most 64 on a CPU) whose plan stays within that
// share of the limits as one micro-batch. Never more than min(1024, images / 8) nor fewer than
// min(16, images).
[[nodiscard]] BatchChoice ChooseBatch(const PlanSubject& subject, const TrainSettings& settings,
                                      const PlanLimits& limits);

// Settings before anything had to give: the whole batch at once, nothing recomputed that need not
// be, no cache of decoded images.
[[nodiscard]] TrainSettings InitialSettings(const Options& options, int batch, int cores);

// What the reference would take with these settings, in one line.
[[nodiscard]] std::string ExplainReferenceFor(const PlanSubject& subject,
                                              const TrainSettings& settings, int cores, int gpus,
                                              Bytes host_limit);

[[nodiscard]] std::string_view Name(Recompute recompute);
// "micro-batch 34 of 133, recompute activations, 12 workers, mosaic pool 400 MiB".
[[nodiscard]] std::string Describe(const TrainSettings& settings);
// The same, with what the pool needs where that is less than its limit.
[[nodiscard]] std::string Describe(const PlanSubject& subject, const TrainSettings& settings);
// The mosaic pool's need with these settings: at most its limit.
[[nodiscard]] Bytes PoolNeed(const PlanSubject& subject, const TrainSettings& settings);

}  // namespace headroom
