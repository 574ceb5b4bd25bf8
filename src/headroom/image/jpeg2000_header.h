// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/image/header_bytes.h"

#include <cstdint>

namespace headroom {

// What a JPEG 2000 file says before its first tile.
struct Jpeg2000Header {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t tile_height = 0;
  std::int64_t tile_width = 0;
  int components = 0;
  std::int64_t block_samples = 64 * 64;  // Of a code block.
  bool is_sycc = false;
};

// Of a file of boxes (.jp2), or of a codestream alone.
[[nodiscard]] Result<Jpeg2000Header> ReadJpeg2000Header(HeaderBytes& file);

// What OpenJPEG holds while it decodes, beside the file and OpenCV's pixels; an upper bound.
[[nodiscard]] std::uint64_t CodecBytes(const Jpeg2000Header& header, std::uint64_t file_size);

}  // namespace headroom
