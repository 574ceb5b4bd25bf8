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
#include "headroom/train/run_position.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

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
  // For writing only.
  OptimizerRates rates;
  double optimizer_momentum = 0;
};

// Writes an in-training checkpoint that Ultralytics opens and resumes from, with our own exact
// state (fp32 weights, EMA, optimizer, pending gradients, position) in a `headroom` entry. Atomic.
// Throws WriteError; the previous file is then untouched.
void SaveCheckpoint(const std::filesystem::path& path, const CheckpointParts& parts,
                    const RunPosition& position, const DetectionMetrics& metrics);

// The size of such a file, but for some kilobytes of text.
[[nodiscard]] Bytes CheckpointFileSize(const CheckpointParts& parts);

// Restores what SaveCheckpoint wrote; the parts must be those of the same model and options. Throws
// DataError when the file holds no run of ours.
RunPosition RestoreCheckpoint(const CheckpointContents& file, const CheckpointParts& parts);

// Of the run that wrote the file: images a batch, the storage of activations that amp= meant there,
// and the momentum (beta1) that its optimizer was made with (optimizer=auto decides it); nothing in
// a file that does not say it.
[[nodiscard]] std::optional<int> BatchOf(const CheckpointContents& file);
[[nodiscard]] std::optional<Element> PrecisionOf(const CheckpointContents& file);
[[nodiscard]] std::optional<double> OptimizerMomentumOf(const CheckpointContents& file);
// The options that a checkpoint was written with, reference's and ours.
[[nodiscard]] OptionSet OptionsOf(const CheckpointContents& file);

// Rewrites an in-training checkpoint as the reference does at a run's end: the EMA in fp16, no
// optimizer. Returns the new size in bytes.
std::uint64_t StripCheckpoint(const std::filesystem::path& path);

}  // namespace headroom
