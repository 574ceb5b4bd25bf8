// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/deploy/detector.h"
#include "headroom/memory/budget.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/validation_table.h"

#include <cstdint>
#include <functional>
#include <span>

namespace headroom {

struct DetectorValidationOptions {
  int image_size = 640;  // Of a detector of any size; rectangular batches then.
  int batch = 16;
  int workers = 1;
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

// Measures any detector on a split, by the rules of training's validation. A detector of fixed size
// sees every picture on its own square canvas. on_image and on_progress (batches) may be empty;
// stop is asked between batches, true throws Error(kInterrupted). Throws ConfigError for a fixed
// canvas that is not square.
[[nodiscard]] DetectorValidation ValidateDetector(
    Detector& detector, const DatasetIndex& index, const DetectorValidationOptions& options,
    Budget* budget, const DetectedImage& on_image,
    const std::function<void(std::int64_t done, std::int64_t all)>& on_progress,
    const std::function<bool()>& stop);

}  // namespace headroom
