// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/decode_extremes.h"

#include "headroom/image/image_decoder.h"

#include <algorithm>

namespace headroom {

void DecodeExtremes::Include(const ImageInfo& info, Bytes file_size) {
  const std::uint64_t peak = DecodePeakBytes(info, file_size, {}).count();
  if (info.format != ImageFormat::kJpeg || info.is_cmyk) {
    other_bytes = std::max(other_bytes, peak);
    return;
  }
  const bool turned = SwapsSides(info.orientation);
  const std::uint64_t pixels = info.size.PixelBytes().count() * (turned ? 2 : 1);
  jpeg_fixed_bytes = std::max(jpeg_fixed_bytes, peak - pixels);
  if (turned) turned_jpegs = 1;
}

void DecodeExtremes::Include(const DecodeExtremes& other) {
  jpeg_fixed_bytes = std::max(jpeg_fixed_bytes, other.jpeg_fixed_bytes);
  other_bytes = std::max(other_bytes, other.other_bytes);
  turned_jpegs = std::max(turned_jpegs, other.turned_jpegs);
}

MemoryNeed EstimateMemory(const DecodeExtremes& extremes, std::span<const ImageSize> sizes,
                          int min_long_side) {
  Bytes jpeg;
  if (extremes.jpeg_fixed_bytes > 0) {
    Bytes pixels;
    for (const ImageSize size : sizes) {
      pixels = std::max(pixels, JpegDecoder::ScaledSize(size, min_long_side).PixelBytes());
    }
    jpeg = Bytes(extremes.jpeg_fixed_bytes) + pixels * (extremes.turned_jpegs > 0 ? 2 : 1);
  }
  return {MemoryTag::kDecode, std::max(jpeg, Bytes(extremes.other_bytes)), NeedBasis::kMeasured};
}

}  // namespace headroom
