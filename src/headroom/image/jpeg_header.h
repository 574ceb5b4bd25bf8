// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/image/header_bytes.h"

#include <cstdint>
#include <optional>

namespace headroom {

// What a JPEG says before its first pixel.
struct JpegHeader {
  int height = 0;
  int width = 0;
  int components = 0;
  // What libjpeg holds of a picture whose pixels come in several scans (every progressive one): all
  // coefficients, 16 bits each, at any output scale. Else 0.
  std::uint64_t coefficient_bytes = 0;
  std::optional<std::uint64_t> exif_at;  // Where the first EXIF segment's TIFF block begins.
};

// Walks the segments up to the first scan. The file begins with a start marker.
[[nodiscard]] Result<JpegHeader> ReadJpegHeader(HeaderBytes& file);

}  // namespace headroom
