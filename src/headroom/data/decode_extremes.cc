// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/decode_extremes.h"

#include "headroom/image/image_decoder.h"

#include <algorithm>

namespace headroom {
namespace {

// What a decoder holds by the width of a picture.
Bytes RowBytes(ImageSize size) {
  return EstimateDecode({.size = size}, Bytes(), {}).codec - EstimateDecode({}, Bytes(), {}).codec;
}

}  // namespace

void DecodeExtremes::Include(const ImageInfo& info, Bytes file_size) {
  if (info.format != ImageFormat::kJpeg || info.is_cmyk) {
    other_bytes = std::max(other_bytes, EstimateDecode(info, file_size, {}).Total().count());
    return;
  }
  ImageInfo upright = info;
  upright.orientation = Orientation::kUpright;
  const DecodeNeed need = EstimateDecode(upright, file_size, {});
  jpeg_fixed_bytes = std::max(jpeg_fixed_bytes, (need.file + need.codec).count());
  if (SwapsSides(info.orientation)) turned_jpegs = 1;
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
    Bytes rows;
    for (const ImageSize size : sizes) {
      pixels = std::max(pixels, JpegDecoder::ScaledSize(size, min_long_side).PixelBytes());
      rows = std::max(rows, RowBytes(size));
    }
    // The largest file's buffer stays for a smaller file of wider rows.
    jpeg = Bytes(extremes.jpeg_fixed_bytes) + rows + pixels * (extremes.turned_jpegs > 0 ? 2 : 1);
  }
  return {MemoryTag::kDecode, std::max(jpeg, Bytes(extremes.other_bytes)), NeedBasis::kMeasured};
}

}  // namespace headroom
