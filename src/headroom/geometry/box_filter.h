// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

namespace headroom {

[[nodiscard]] Xyxy ClipBox(const Xyxy& box, float height, float width);
// Area of the overlap of the two; 0 when they are apart.
[[nodiscard]] float OverlapArea(const Xyxy& a, const Xyxy& b);

// Which boxes survive a warp, as in the reference.
struct BoxFilter {
  float min_side_px = 2;        // Both sides must be longer.
  float max_aspect = 100;       // Long side over short side must be smaller.
  float min_area_share = 0.1F;  // Of the area before the warp; 0.01 for boxes around polygons.

  // `before` is measured at the warp's zoom, `after` is clipped to the output.
  [[nodiscard]] bool Keeps(const Xyxy& before, float zoom, const Xyxy& after) const;
};

}  // namespace headroom
