// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/deploy/detector.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/validation_table.h"

#include <cstdint>
#include <exception>
#include <functional>
#include <span>

namespace headroom {

struct DetectorValidationOptions {
  // Of a detector of any size. One of fixed size takes its own, on square canvases.
  int image_size = 640;
  int batch = 16;  // Nominal: decides the shapes of rectangular batches; 16 at most run at once.
  bool rect = true;

  int workers = 1;
  int max_detections = 300;  // Of an image, at most: what the detector was opened with.
  bool single_class = false;
  float matrix_confidence = 0.25F;
};

struct DetectorValidation {
  DetectionMetrics metrics;
  ValidationSpeed speed;
  ConfusionMatrix confusion;
};

// What a receiver is told of an image; detections in network pixels.
using DetectedImage =
    std::function<void(std::uint32_t image, std::span<const Detection>, const Sample&)>;

// Whom a validation tells and asks. Each may be empty.
struct DetectorValidationEvents {
  DetectedImage on_image;
  std::function<void(std::int64_t done, std::int64_t all)> on_progress;  // Batches.
  // Asked between batches; true throws Error(kInterrupted).
  std::function<bool()> stop;
  // Asked when something failed. True: it was for want of memory, some may be free now, the same
  // images are run again; from the second failure on fewer at once, where the detector takes fewer,
  // and with fewer workers. False: the failure goes on.
  std::function<bool(const std::exception& failure)> on_failure;
};

// Measures any detector on a split, by the rules of training's validation. The budget may be null.
// Throws ConfigError for a fixed canvas that is not square, BudgetError.
[[nodiscard]] DetectorValidation ValidateDetector(Detector& detector, const DatasetIndex& index,
                                                  const DetectorValidationOptions& options,
                                                  const DetectorValidationEvents& events,
                                                  Budget* budget);

// What it holds beside its loader and the detector: the match records.
[[nodiscard]] MemoryNeed EstimateMemory(const DetectorValidationOptions& options,
                                        const DatasetIndex& index, const DetectorFacts& facts);

}  // namespace headroom
