// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <algorithm>

namespace headroom {

// Keeps 0/0 of two empty boxes at 0; the value that Ultralytics 8.4.190 matches with.
inline constexpr float kIouEpsilon = 1e-7F;

[[nodiscard]] inline float IntersectionArea(const Xyxy& a, const Xyxy& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return std::max(width, 0.0F) * std::max(height, 0.0F);
}

// Intersection over union, in [0, 1] for boxes with x1 <= x2 and y1 <= y2.
[[nodiscard]] inline float Iou(const Xyxy& a, const Xyxy& b, float epsilon = kIouEpsilon) {
  const float intersection = IntersectionArea(a, b);
  return intersection / (a.area() + b.area() - intersection + epsilon);
}

}  // namespace headroom
