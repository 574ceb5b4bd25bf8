// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <array>
#include <cstdint>

namespace headroom {

// A rectangle of a source image and where it lies on the canvas.
struct CanvasTile {
  ImageView pixels;
  int x = 0;
  int y = 0;

  [[nodiscard]] bool Contains(int px, int py) const {
    return px >= x && px < x + pixels.width && py >= y && py < y + pixels.height;
  }
};

// A picture that exists only as a description: up to four tiles that do not overlap, and
// kPadValue everywhere else. A warp samples it straight from its tiles. Holds views only.
struct MosaicCanvas {
  static constexpr int kMaxTiles = 4;

  int height = 0;
  int width = 0;
  std::array<CanvasTile, kMaxTiles> tiles{};
  int tile_count = 0;

  // The image itself.
  [[nodiscard]] static MosaicCanvas Of(const ImageView& image);
  // Adds the part of the image that lies on the canvas when its top left corner is at (x, y).
  void Place(const ImageView& image, int x, int y);
  // The pixel's 3 channels, anywhere in the plane.
  [[nodiscard]] const std::uint8_t* Pixel(int x, int y) const;
};

// Draws the canvas (the obvious way, and what copy-paste edits): `out` has the canvas's size.
void DrawCanvas(const MosaicCanvas& canvas, const MutableImageView& out);

}  // namespace headroom
