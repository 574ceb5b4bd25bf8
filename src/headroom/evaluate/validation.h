// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/evaluate/detector.h"
#include "headroom/evaluate/loss_meter.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/validation_table.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace headroom {

struct ValidationOptions {
  // Of a detector of any size. One of fixed size takes its own, on square canvases.
  int image_size = 640;
  // Nominal: decides the shapes of rectangular batches, and what loss items average over.
  int batch = 16;
  std::int64_t at_once = 16;  // Images that run at once, at most `batch`; changes no figure.
  int workers = 1;
  int prefetch = 0;  // Images made ahead; 0: PrefetchFor(workers).
  bool rect = true;
  int max_detections = 300;   // Of an image, at most: what the detector was opened with.
  bool single_class = false;  // Whatever class is predicted counts as class 0 (single_cls).
  float matrix_confidence = 0.25F;
};

struct Validation {
  DetectionMetrics metrics;
  ValidationSpeed speed;
  ConfusionMatrix confusion;
  std::int64_t images = 0;
};

// What a receiver is told of an image; detections in network pixels.
using DetectedImage =
    std::function<void(std::uint32_t image, std::span<const Detection>, const Sample&)>;

// Whom a validation tells and asks. Each may be empty.
struct ValidationEvents {
  DetectedImage on_image;
  std::function<void(std::int64_t done, std::int64_t all)> on_progress;  // Batches.
  // Asked between batches; true throws Error(kInterrupted).
  std::function<bool()> stop;
  // Asked when memory was refused: what was said, and how often these images have failed (0: they
  // were broken off to give way). True: some may be free now, the same images are run again; from
  // the second failure on fewer at once, where the detector takes fewer, and with fewer workers.
  // False, or nobody to ask: the failure goes on.
  std::function<bool(const std::string& what, int failures)> on_out_of_memory;
};

// Measures any detector on a split: letterboxed rectangular batches, non-maximum suppression,
// matching. What grows with the images is the match records alone. The loader exists only while
// this runs. The budget may be null; `losses` null: none are measured.
// Throws ConfigError for a fixed canvas that is not square, BudgetError.
[[nodiscard]] Validation Validate(Detector& detector, const DatasetIndex& index,
                                  const ValidationOptions& options, const ValidationEvents& events,
                                  Budget* budget, LossMeter* losses = nullptr);

// What it holds beside its loader and the detector: the match records.
[[nodiscard]] MemoryNeed EstimateMemory(const ValidationOptions& options, const DatasetIndex& index,
                                        int class_count);

// max_det= for a split: the default of 300 is raised to what its most crowded image holds, as
// Ultralytics 8.4.190 does.
[[nodiscard]] int MaxDetections(const DatasetIndex& index, int asked);

}  // namespace headroom
