// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// By content, whatever the file is called.
enum class ImageFormat : std::uint8_t { kJpeg, kPng, kBmp, kWebp, kTiff, kJpeg2000 };
[[nodiscard]] std::string_view Name(ImageFormat format);

// The EXIF tag 0x0112, whose values these are: how stored pixels are turned to be looked at.
enum class Orientation : std::uint8_t {
  kUpright = 1,
  kMirrored = 2,
  kRotated180 = 3,
  kFlipped = 4,
  kTransposed = 5,
  kRotated90 = 6,  // Turn clockwise to see it upright.
  kTransversed = 7,
  kRotated270 = 8,
};
[[nodiscard]] constexpr bool SwapsSides(Orientation o) { return o >= Orientation::kTransposed; }

struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  Orientation orientation = Orientation::kUpright;
  ImageSize size = {};   // As looked at: the EXIF orientation applied.
  bool is_cmyk = false;  // A JPEG in CMYK or YCCK.
  // What its codec holds while decoding, beside the file and the pixels; an upper bound.
  std::uint64_t codec_bytes = 0;
  ImageSize stored_size() const {
    return SwapsSides(orientation) ? ImageSize{size.width, size.height} : size;
  }
};

// Reads headers only: a few KiB of the file. Failure says why (missing, empty, not an image, cut).
[[nodiscard]] Result<ImageInfo> ReadImageInfo(const std::string& path);
[[nodiscard]] Result<ImageInfo> ReadImageInfo(std::span<const std::uint8_t> file);
// Of a file that is open, whose descriptor stays the caller's.
[[nodiscard]] Result<ImageInfo> ReadImageInfo(int descriptor, std::uint64_t size);

// The image suffixes that a folder or a list is searched for, lower case without the dot.
[[nodiscard]] std::span<const std::string_view> ImageSuffixes();
[[nodiscard]] bool HasImageSuffix(std::string_view path);

}  // namespace headroom
