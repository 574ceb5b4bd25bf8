// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/canvas.h"

#include "headroom/core/check.h"
#include "headroom/image/letterbox.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace headroom {

MosaicCanvas MosaicCanvas::Of(const ImageView& image) {
  MosaicCanvas canvas{.height = image.height, .width = image.width};
  canvas.Place(image, 0, 0);
  return canvas;
}

void MosaicCanvas::Place(const ImageView& image, int x, int y) {
  HEADROOM_CHECK(tile_count < kMaxTiles, "a canvas has at most four tiles");
  const int left = std::max(x, 0);
  const int top = std::max(y, 0);
  const int right = std::min(x + image.width, width);
  const int bottom = std::min(y + image.height, height);
  if (left >= right || top >= bottom) return;
  CanvasTile& tile = tiles[static_cast<std::size_t>(tile_count++)];
  tile.x = left;
  tile.y = top;
  tile.pixels = image;
  tile.pixels.data = image.Row(top - y) + std::ptrdiff_t{left - x} * image.channels;
  tile.pixels.width = right - left;
  tile.pixels.height = bottom - top;
}

const std::uint8_t* MosaicCanvas::Pixel(int x, int y) const {
  static constexpr std::array<std::uint8_t, 3> kOutside{kPadValue, kPadValue, kPadValue};
  for (int i = 0; i < tile_count; ++i) {
    const CanvasTile& tile = tiles[static_cast<std::size_t>(i)];
    if (tile.Contains(x, y)) {
      return tile.pixels.Row(y - tile.y) + std::ptrdiff_t{3} * (x - tile.x);
    }
  }
  return kOutside.data();
}

void DrawCanvas(const MosaicCanvas& canvas, const MutableImageView& out) {
  HEADROOM_CHECK(out.height == canvas.height && out.width == canvas.width,
                 "a canvas of another size");
  for (int y = 0; y < out.height; ++y) {
    std::memset(out.Row(y), kPadValue, static_cast<std::size_t>(out.width) * 3);
  }
  for (const CanvasTile& tile :
       std::span(canvas.tiles).first(static_cast<std::size_t>(canvas.tile_count))) {
    for (int y = 0; y < tile.pixels.height; ++y) {
      std::memcpy(out.Row(tile.y + y) + std::ptrdiff_t{3} * tile.x, tile.pixels.Row(y),
                  static_cast<std::size_t>(tile.pixels.width) * 3);
    }
  }
}

}  // namespace headroom
