// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// Average precision is taken at IoU 0.50, 0.55, ..., 0.95 (COCO).
inline constexpr int kIouThresholdCount = 10;
[[nodiscard]] constexpr float IouThreshold(int index) {
  return static_cast<float>(0.5 + 0.05 * index);
}

// Bit t is set where the detection is true at IouThreshold(t).
using MatchMask = std::uint16_t;

// How much one detection overlaps one label of its class.
struct LabelOverlap {
  std::uint32_t label = 0;
  float iou = 0;
};

// The matching rule of Ultralytics 8.4.190: at each threshold, detections in confidence order take
// the best label of their class that is still free and has IoU >= threshold (maybe the second
// best). Claims labels for one detection; bit t of claimed[label] says that the label is taken at
// t. Call it for the detections of an image in confidence order, with claimed all 0 at first.
[[nodiscard]] MatchMask ClaimLabels(std::span<const LabelOverlap> overlaps,
                                    std::span<MatchMask> claimed);

// Matches the detections of one image after another with their labels. Boxes are compared as they
// are: in network pixels, not clipped. Keeps its buffers between images (14 bytes a label of the
// most crowded one). Not thread-safe.
class PredictionMatcher {
 public:
  // One mask a detection; valid until the next call. Detections in confidence order.
  // With single_cls the caller has set every class to 0. O(detections * labels).
  std::span<const MatchMask> Match(std::span<const Detection> detections,
                                   std::span<const TrueBox> labels);

 private:
  std::vector<LabelOverlap> overlaps_;
  std::vector<MatchMask> claimed_;
  std::vector<MatchMask> masks_;
};

}  // namespace headroom
