// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/box_filter.h"

#include <algorithm>

namespace headroom {

Xyxy ClipBox(const Xyxy& box, float height, float width) {
  return {std::clamp(box.x1, 0.F, width), std::clamp(box.y1, 0.F, height),
          std::clamp(box.x2, 0.F, width), std::clamp(box.y2, 0.F, height)};
}

float OverlapArea(const Xyxy& a, const Xyxy& b) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return width > 0 && height > 0 ? width * height : 0;
}

bool BoxFilter::Keeps(const Xyxy& before, float zoom, const Xyxy& after) const {
  constexpr float kTiny = 1e-16F;  // Keeps the divisions defined; below any area in pixels.
  const float width = after.width();
  const float height = after.height();
  if (!(width > min_side_px && height > min_side_px)) return false;
  if (!(std::max(width / height, height / width) < max_aspect)) return false;
  return width * height / (before.area() * zoom * zoom + kTiny) > min_area_share;
}

}  // namespace headroom
