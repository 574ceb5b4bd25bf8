// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/candidate_buffer.h"
#include "headroom/detect/find_candidates.h"
#include "headroom/detect/head_view.h"
#include "headroom/geometry/detection.h"
#include "headroom/memory/memory_need.h"

#include <span>
#include <vector>

namespace headroom {

struct EndToEndOptions {
  int class_count = 0;
  float confidence = 0.25F;  // A detection must exceed it.
  int max_detections = 300;
  bool agnostic = false;              // An anchor gives its best class only.
  std::vector<std::int32_t> classes;  // Only these; empty: all. Tested after the selection.
};

// Detections from a one-to-one head (YOLO26 with nms=False), which needs no suppression: the
// max_detections anchors with the best class score, then the max_detections best of all their
// scores, so that an anchor may appear for several classes. Not thread-safe.
class EndToEndSelection {
 public:
  explicit EndToEndSelection(const EndToEndOptions& options);

  // Best first, network pixels, not clipped. Valid until the next call.
  std::span<const Detection> Run(const HeadView& head);
  // Rows of six floats (x1, y1, x2, y2, score, class) that an exported model already selected: the
  // thresholds, in the rows' order.
  std::span<const Detection> Filter(std::span<const float> rows);

 private:
  void Append(const Detection& detection);
  void AddAllClasses(const HeadView& head, std::uint32_t anchor);

  EndToEndOptions options_;
  std::vector<std::uint8_t> wanted_;
  CandidateBuffer anchors_;
  CandidateBuffer scores_;
  std::vector<Detection> detections_;
};

[[nodiscard]] MemoryNeed EstimateMemory(const EndToEndOptions& options);

}  // namespace headroom
