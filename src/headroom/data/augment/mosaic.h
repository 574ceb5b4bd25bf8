// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/canvas.h"
#include "headroom/data/augment/scene_objects.h"
#include "headroom/data/label_table.h"

#include <array>
#include <cstdint>

namespace headroom {

// Four pictures around a centre on a canvas of twice the output's side.
struct MosaicLayout {
  int size = 0;  // Side of the output; the canvas has 2 * size.
  int centre_x = 0;
  int centre_y = 0;

  // Where tile k of that size has its top left corner: upper left, upper right, lower left, lower
  // right, each touching the centre. May lie outside of the canvas.
  [[nodiscard]] std::array<int, 2> CornerXy(int k, ImageSize tile) const;
};

// Centre y, then x, each int(uniform(size/2, 3 size/2)).
[[nodiscard]] MosaicLayout DrawMosaicLayout(Rng rng, int size);

// Appends an image's objects in canvas pixels: `loaded` is the size at which the image enters, its
// corner lies at (x, y). In a mosaic (clip) boxes are cut at the canvas and dropped when nothing
// is left of them; their polygons are not cut, WarpObjects does that.
enum class ClipToCanvas : std::uint8_t { kNo, kYes };
void AppendObjects(const LabelView& labels, std::size_t image, ImageSize loaded,
                   std::array<int, 2> corner_xy, ImageSize canvas, ClipToCanvas clip,
                   SceneObjects* out);

}  // namespace headroom
