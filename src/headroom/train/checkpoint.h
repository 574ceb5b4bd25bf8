// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/nn/model.h"
#include "headroom/optim/early_stopping.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/reference_optimizer.h"
#include "headroom/train/results_csv.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// Where a run stands between two batches, apart from its tensors.
struct RunPosition {
  int epoch = 0;                // From 0: the epoch that `next_batch` belongs to.
  std::int64_t next_batch = 0;  // Of that epoch.
  std::int64_t last_step = -1;  // Iteration of the last optimizer step.
  LossItems epoch_items{};      // Sums over the epoch's batches so far.
  std::int64_t epoch_instances = 0;
  double seconds = 0;  // Spent so far.
};

// Everything that a checkpoint is made of; borrowed.
struct CheckpointParts {
  Model& model;
  Ema& ema;
  Optimizer& optimizer;
  BatchStep& step;
  EarlyStopping& stopper;
  ResultsCsv& results;
  const Options& options;
  const std::vector<std::string>& names;
  OptimizerRates rates;  // For writing only.
};

// Writes an in-training checkpoint that Ultralytics opens and resumes from, with our own exact
// state (fp32 weights, EMA, optimizer, pending gradients, position) in a `headroom` entry. Atomic.
// Throws WriteError; the previous file is then untouched.
void SaveCheckpoint(const std::filesystem::path& path, const CheckpointParts& parts,
                    const RunPosition& position, const DetectionMetrics& metrics);

// Restores what SaveCheckpoint wrote; the parts must be those of the same model and options. Throws
// DataError when the file holds no run of ours.
RunPosition RestoreCheckpoint(const CheckpointContents& file, const CheckpointParts& parts);

// The options that a checkpoint was written with, reference's and ours.
[[nodiscard]] OptionSet OptionsOf(const CheckpointContents& file);

// Rewrites an in-training checkpoint as the reference does at a run's end: the EMA in fp16, no
// optimizer. Returns the new size in bytes.
std::uint64_t StripCheckpoint(const std::filesystem::path& path);

}  // namespace headroom
