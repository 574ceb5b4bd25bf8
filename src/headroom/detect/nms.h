// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/candidate_buffer.h"
#include "headroom/detect/find_candidates.h"
#include "headroom/detect/head_view.h"
#include "headroom/detect/overlap_filter.h"
#include "headroom/geometry/detection.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

struct NmsOptions {
  int class_count = 0;
  float confidence = 0.25F;  // A detection must exceed it; 0.001 in validation.
  float iou = 0.7F;          // A box that overlaps a better one by more is dropped.
  int max_detections = 300;
  LabelsPerAnchor labels = LabelsPerAnchor::kBest;  // kAll in validation (with one class the same).
  bool agnostic = false;              // Boxes of different classes suppress one another.
  std::vector<std::int32_t> classes;  // Only these; empty: all.
  int max_candidates = 30000;         // The best so many by score; the rest is dropped.
};

// From the head's maps of an image to its detections, with non-maximum suppression, in the order
// and with the limits of Ultralytics 8.4.190, but without its time limit. Buffers are allocated
// once. Not thread-safe: one for each thread.
class NonMaximumSuppression {
 public:
  explicit NonMaximumSuppression(const NmsOptions& options);

  // Best first, network pixels, not clipped. Valid until the next call.
  // At worst about max_candidates * max_detections comparisons of boxes.
  std::span<const Detection> Run(const HeadView& head);
  std::span<const Detection> Run(const DecodedView& decoded);

 private:
  template <typename View>
  std::span<const Detection> RunOn(const View& view);

  NmsOptions options_;
  CandidateRule rule_;
  CandidateBuffer candidates_;
  OverlapFilter filter_;
  std::vector<Detection> detections_;
};

// What one NonMaximumSuppression holds, whatever the image: 0.76 MB with 80 classes.
[[nodiscard]] MemoryNeed EstimateMemory(const NmsOptions& options);

}  // namespace headroom
