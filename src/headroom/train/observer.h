// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/validation_table.h"
#include "headroom/train/head_loss.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// What a run tells; no observer is known to the trainer by name. Called from the training thread.
struct BatchEvent {
  int epoch = 0;  // From 0.
  int epochs = 0;
  std::int64_t batch = 0;  // Of the epoch, from 0.
  std::int64_t batches = 0;
  LossItems mean_items{};  // Over the epoch so far.
  std::int64_t instances = 0;
  int image_width = 0;
  double images_per_second = 0;  // Over the epoch so far.
  // Held and allowed; the device's are 0 where none is used.
  Bytes host_used, host_limit, device_used, device_limit;
};

struct EpochEvent {
  int epoch = 0;       // From 0.
  double seconds = 0;  // Since the run began.
  LossItems train_items{};
  LossItems val_items{};
  bool validated = false;
  DetectionMetrics metrics;
  std::vector<double> lr;  // By group.
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  // A line for people.
  virtual void OnMessage(const std::string& /*text*/) {}
  virtual void OnEpochStart(int /*epoch*/, const char* /*third_loss*/) {}
  virtual void OnBatch(const BatchEvent& /*event*/) {}
  virtual void OnValidationProgress(std::int64_t /*done*/, std::int64_t /*all*/) {}
  virtual void OnEpochEnd(const EpochEvent& /*event*/) {}
};

}  // namespace headroom
