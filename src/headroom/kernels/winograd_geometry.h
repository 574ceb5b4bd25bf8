// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <algorithm>
#include <cstdint>

namespace headroom {

inline constexpr std::int64_t kWinogradPositions = 36;
inline constexpr std::int64_t kWinogradOutputs = 4;  // A side of a tile.

// What the transformed values of the tiles that are worked on together may take: most of a
// second-level cache of 512 KiB.
inline constexpr std::int64_t kWinogradBlockFloats = std::int64_t{384} * 1024 / 4;
// Floats between positions, so that their stores do not fall into the same few sets of the first
// cache.
inline constexpr std::int64_t kWinogradPadding = 16;

// How many tiles those are; channels: of inputs and outputs together.
[[nodiscard]] constexpr std::int64_t WinogradBlockTiles(std::int64_t channels) {
  return std::clamp<std::int64_t>(kWinogradBlockFloats / (kWinogradPositions * channels), 1, 48);
}

// The first output of a tile.
struct WinogradTile {
  std::int64_t image;
  std::int64_t y;
  std::int64_t x;
};

// Tiles of a batch of images, numbered.
class WinogradGrid {
 public:
  explicit WinogradGrid(const ImageShape& shape)
      : across_(Tiles(shape.width)), an_image_(across_ * Tiles(shape.height)) {}
  [[nodiscard]] std::int64_t an_image() const { return an_image_; }
  [[nodiscard]] WinogradTile At(std::int64_t number) const {
    const std::int64_t in_image = number % an_image_;
    return {number / an_image_, in_image / across_ * kWinogradOutputs,
            in_image % across_ * kWinogradOutputs};
  }

 private:
  static std::int64_t Tiles(std::int64_t side) {
    return (side + kWinogradOutputs - 1) / kWinogradOutputs;
  }
  std::int64_t across_;
  std::int64_t an_image_;
};

// Pixels [tile - margin, tile + side - margin) of both directions, line by line; `outside` stands
// for those beyond the border.
template <class T>
void FindPixels(const ImageShape& shape, const T* images, const WinogradTile& tile,
                std::int64_t margin, std::int64_t side, const T* outside, const T** pixels) {
  for (std::int64_t i = 0; i < side; ++i) {
    const std::int64_t y = tile.y - margin + i;
    const T* line = images + (tile.image * shape.height + y) * shape.width * shape.channels;
    for (std::int64_t j = 0; j < side; ++j) {
      const std::int64_t x = tile.x - margin + j;
      const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      pixels[i * side + j] = inside ? line + x * shape.channels : outside;
    }
  }
}

// The 36 that a tile reads, and its 16 outputs.
template <class T>
void FindInputPixels(const ImageShape& shape, const T* images, const WinogradTile& tile,
                     const T* outside, const T** pixels) {
  FindPixels(shape, images, tile, 1, 6, outside, pixels);
}
template <class T>
void FindOutputPixels(const ImageShape& shape, const T* images, const WinogradTile& tile,
                      const T* outside, const T** pixels) {
  FindPixels(shape, images, tile, 0, kWinogradOutputs, outside, pixels);
}

}  // namespace headroom
