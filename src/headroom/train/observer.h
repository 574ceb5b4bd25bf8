// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/core/bytes.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/geometry/detection.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/validation_table.h"
#include "headroom/train/head_loss.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// What a run tells; no observer is known to the trainer by name. Called from the training thread.
struct BatchEvent {
  int epoch = 0;  // From 0.
  int epochs = 0;
  std::int64_t batch = 0;  // Of the epoch, from 0.
  std::int64_t batches = 0;
  LossItems mean_items;  // Over the epoch so far.
  std::int64_t instances = 0;
  int image_width = 0;
  double images_per_second = 0;  // Over the epoch so far.
  // Held and allowed; the device's are 0 where none is used.
  Bytes host_used, host_limit, device_used, device_limit;
};

struct EpochEvent {
  int epoch = 0;       // From 0.
  double seconds = 0;  // Since the run began.
  LossItems train_items;
  LossItems val_items;  // Zeros where nothing was validated.
  bool validated = false;
  DetectionMetrics metrics;
  std::vector<double> lr;  // By group.
};

// The run as it begins: what observers may write to and about. Valid during the run.
struct RunStart {
  std::filesystem::path folder;
  const Options* options = nullptr;
  std::span<const std::string> names;
  const DatasetIndex* train = nullptr;
  const DatasetIndex* val = nullptr;
  // What the plan took back from the wanted settings to fit the limit.
  std::vector<std::string> fitted;
};

// The first pictures of a training batch, at most 16, as the network gets them. Valid in the call.
struct BatchPictures {
  int epoch = 0;
  std::int64_t iteration = 0;  // Over all epochs, from 0.
  std::span<const Sample* const> samples;
};

// One picture of a validation with what was found in it (pixels of the picture). Valid in the call.
struct ValidatedPicture {
  std::int64_t batch = 0;  // Nominal batch and place in it.
  std::int64_t place = 0;
  std::int64_t of = 0;  // Pictures in the batch.
  const Sample* sample = nullptr;
  std::span<const Detection> detections;

  // The one after `seen` others of `images`, in nominal batches.
  static ValidatedPicture After(std::int64_t seen, std::int64_t nominal, std::int64_t images) {
    const std::int64_t batch = seen / nominal;
    return {batch, seen % nominal, std::min(nominal, images - batch * nominal), nullptr, {}};
  }
};

// What the last validation of a run measured.
struct ValidationEnd {
  const DetectionMetrics& metrics;
  const ConfusionMatrix& confusion;
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  // A line for people.
  virtual void OnMessage(const std::string& /*text*/) {}
  // An act of adaptation to memory, with its reason; a line for people too.
  virtual void OnAdaptation(const std::string& text) { OnMessage(text); }
  virtual void OnRunStart(const RunStart& /*run*/) {}
  // Whether pictures of this iteration are wanted: else nobody fetches them.
  [[nodiscard]] virtual bool WantsPictures(int /*epoch*/, std::int64_t /*iteration*/) {
    return false;
  }
  virtual void OnBatchPictures(const BatchPictures& /*pictures*/) {}
  virtual void OnEpochStart(int /*epoch*/, std::span<const std::string> /*losses*/) {}
  virtual void OnBatch(const BatchEvent& /*event*/) {}
  virtual void OnValidationProgress(std::int64_t /*done*/, std::int64_t /*all*/) {}
  virtual void OnEpochEnd(const EpochEvent& /*event*/) {}
  // Of the validation of best.pt at the end.
  virtual void OnValidatedPicture(const ValidatedPicture& /*picture*/) {}
  virtual void OnValidationEnd(const ValidationEnd& /*end*/) {}
  // After everything else was written.
  virtual void OnRunEnd(const std::string& /*memory_summary*/) {}
};

}  // namespace headroom
