// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <memory>
#include <span>

namespace headroom {

enum class ColorOrder : std::uint8_t { kRgb, kBgr };

// A handle of libjpeg-turbo. Pixels are those of cv::imread (accurate DCT, smooth upsampling)
// before the EXIF orientation. Not thread-safe: one a thread.
class JpegDecoder {
 public:
  struct Header {
    ImageSize size;     // As stored.
    bool cmyk = false;  // CMYK or YCCK: libjpeg-turbo does not turn it into RGB.
  };
  enum class Truncation : std::uint8_t { kRefuse, kAccept };

  JpegDecoder();

  [[nodiscard]] Result<Header> ReadHeader(std::span<const std::uint8_t> file);

  // The size after decoding at the smallest scale (1/8 ... 8/8) whose long side is still at least
  // min_long_side; the stored size where that is 0 or no smaller scale will do.
  [[nodiscard]] static ImageSize ScaledSize(ImageSize stored, int min_long_side);

  // Decodes into `out`, which has a size that ScaledSize gives for this file, 3 channels, any row
  // stride. Damaged data inside the picture is accepted, as by cv::imread; missing data is refused
  // unless asked otherwise (the missing rows are then grey).
  [[nodiscard]] Status Decode(std::span<const std::uint8_t> file, ColorOrder order,
                              Truncation truncation, const MutableImageView& out);

 private:
  struct Destroy {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Destroy> handle_;
};

}  // namespace headroom
