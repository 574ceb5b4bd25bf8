// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/image/image_info.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <span>

namespace headroom {

// What the hungriest images of a set ask of a decoder. Collected while the set is scanned, so that
// the plan knows before the first image is decoded. Trivially copyable: it is part of a file
// format.
struct DecodeExtremes {
  std::uint64_t jpeg_fixed_bytes = 0;  // File and coefficients: the same at any scale.
  std::uint64_t other_bytes = 0;       // The whole decode of what cannot be scaled.
  std::uint32_t turned_jpegs = 0;      // 1: some JPEG's sides swap, which takes a second copy.
  std::uint32_t reserved = 0;

  void Include(const ImageInfo& info, Bytes file_size);
  void Include(const DecodeExtremes& other);
};

// Host bytes (tag kDecode) of one worker's decoder and the image it decodes into, at the most, for
// images of these sizes. min_long_side as in DecodeOptions.
[[nodiscard]] MemoryNeed EstimateMemory(const DecodeExtremes& extremes,
                                        std::span<const ImageSize> sizes, int min_long_side);

}  // namespace headroom
