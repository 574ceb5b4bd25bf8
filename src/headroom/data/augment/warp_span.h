// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom::internal {

// Vectors are loaded whole: bytes that must be readable from a pixel's left neighbour on.
inline constexpr int kWarpReadBytes = 16;

// A run of output pixels of one row whose four neighbours all lie in one tile.
struct WarpSpan {
  const std::uint8_t* pixels;  // Of the tile, RGB.
  std::ptrdiff_t row_stride;
  std::int32_t base_x;  // Source x of pixel i, in 1/1024 px from the tile: base_x + table_x[i].
  std::int32_t base_y;
  const std::int32_t* table_x;
  const std::int32_t* table_y;
  int count;
  std::uint8_t* out;  // Exactly count * 3 bytes are written.
};

// Bilinear in integers, vectorised; the target (SSE4, AVX2, AVX-512) is chosen at run time and all
// give the same bytes.
void BlendWarpSpan(const WarpSpan& span);

}  // namespace headroom::internal
