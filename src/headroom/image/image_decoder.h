// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"
#include "headroom/image/image.h"
#include "headroom/image/image_info.h"
#include "headroom/image/jpeg_decoder.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace headroom {

struct DecodeOptions {
  ColorOrder order = ColorOrder::kBgr;
  // 0: in full, pixel-equal to cv::imread. Else a JPEG is decoded at the smallest of
  // libjpeg-turbo's scales whose long side is still at least this (never upscaled); other formats
  // are decoded in full.
  int min_long_side = 0;
};

// Decodes image files of every supported format into a caller's reused image, EXIF orientation
// applied, always 3 channels. Holds the buffers of one worker; not thread-safe: one a thread.
// Broken and truncated files are Failures with the reason; nothing is printed, nothing throws but
// std::bad_alloc.
class ImageDecoder {
 public:
  ImageDecoder();
  ~ImageDecoder();
  ImageDecoder(ImageDecoder&&) noexcept;
  ImageDecoder& operator=(ImageDecoder&&) noexcept;

  // The returned info has the size of the source, also where the decode was scaled down.
  [[nodiscard]] Result<ImageInfo> Decode(const std::string& path, const DecodeOptions& options,
                                         Image* out);
  // The bytes of a whole file, which are copied.
  [[nodiscard]] Result<ImageInfo> Decode(std::span<const std::uint8_t> file,
                                         const DecodeOptions& options, Image* out);

  // What decides whether an image is used (recipe 2.4): readable headers, both sides at
  // least 10 px, a PNG's checksums, a JPEG's end. A JPEG without its end marker is accepted when
  // all of its pixels are there. Files are never rewritten. Decodes only where it must.
  [[nodiscard]] Result<ImageInfo> Verify(const std::string& path);

  // Buffers held now: file, turned pixels.
  [[nodiscard]] Bytes NumBytes() const;

 private:
  [[nodiscard]] Result<ImageInfo> DecodeBuffer(std::size_t file_size, const DecodeOptions& options,
                                               Image* out);
  [[nodiscard]] Status DecodeJpeg(std::size_t file_size, const ImageInfo& info,
                                  const DecodeOptions& options, Image* out);
  [[nodiscard]] Status DecodeWithOpenCv(std::size_t file_size, const ImageInfo& info,
                                        const DecodeOptions& options, Image* out);
  [[nodiscard]] Status VerifyContent(const std::string& path, const ImageInfo& info);

  std::vector<std::uint8_t> file_;
  Image turned_;
  JpegDecoder jpeg_;
};

// The most that decoding one such image holds at once, output included: the file's bytes, the
// codec's own buffers, the pixels, and a second copy where they are turned.
[[nodiscard]] Bytes DecodePeakBytes(const ImageInfo& info, Bytes file_size,
                                    const DecodeOptions& options);

}  // namespace headroom
