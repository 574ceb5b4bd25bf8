// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/image/image.h"
#include "headroom/image/jpeg_decoder.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace headroom {

// The bytes of a JPEG file.
struct EncodedJpeg {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;

  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(data.get()), size};
  }
};

// Pixels of 3 channels in `order`, or of 4 whose last is ignored; quality 1..100. Chroma is halved
// below quality 90. Throws InternalError for an empty image or one with a side above 65500.
[[nodiscard]] EncodedJpeg EncodeJpeg(const ImageView& image, ColorOrder order, int quality);

// The buffer that EncodeJpeg asks for, at most; of it only what the file needs is touched.
[[nodiscard]] Bytes EncodedJpegBound(ImageSize size);

// Encodes BGR pixels into a file, atomically. Throws WriteError.
void WriteJpeg(const std::filesystem::path& path, const ImageView& bgr, int quality = 95);

}  // namespace headroom
