// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/flip.h"

#include <algorithm>

namespace headroom {

Flip DrawFlip(Rng rng, const AugmentOptions& options) {
  Flip flip;
  flip.vertical = rng.Chance(options.flipud);
  flip.horizontal = rng.Chance(options.fliplr);
  return flip;
}

Xyxy FlipBox(const Flip& flip, const Xyxy& box, float height, float width) {
  Xyxy flipped = box;
  if (flip.horizontal) {
    flipped.x1 = width - box.x2;
    flipped.x2 = width - box.x1;
  }
  if (flip.vertical) {
    flipped.y1 = height - box.y2;
    flipped.y2 = height - box.y1;
  }
  return flipped;
}

void FlipPixels(Flip flip, const MutableImageView& image) {
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; flip.vertical && y < image.height / 2; ++y) {
    std::swap_ranges(image.Row(y), image.Row(y) + row_bytes, image.Row(image.height - 1 - y));
  }
  for (int y = 0; flip.horizontal && y < image.height; ++y) {
    std::uint8_t* left = image.Row(y);
    std::uint8_t* right = image.Row(y) + row_bytes - 3;
    for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}

}  // namespace headroom
