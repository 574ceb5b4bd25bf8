// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/augment_options.h"
#include "headroom/geometry/box.h"
#include "headroom/image/image.h"

namespace headroom {

struct Flip {
  bool horizontal = false;
  bool vertical = false;
  friend bool operator==(const Flip&, const Flip&) = default;
};

// Vertical first, then horizontal.
[[nodiscard]] Flip DrawFlip(Rng rng, const AugmentOptions& options);
[[nodiscard]] Xyxy FlipBox(const Flip& flip, const Xyxy& box, float height, float width);
// In place, 3 channels. Warps flip as they go; this is for pictures that were mixed unflipped.
void FlipPixels(Flip flip, const MutableImageView& image);

}  // namespace headroom
