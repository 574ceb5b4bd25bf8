// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"
#include "headroom/image/image.h"
#include "headroom/image/image_info.h"
#include "headroom/image/jpeg_decoder.h"

#include <cstdint>
#include <functional>
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

// The most that decoding one image holds, its parts at once. From the header alone.
struct DecodeNeed {
  Bytes file;    // The file's bytes.
  Bytes pixels;  // The output.
  Bytes codec;   // Rows, tables, coefficients, the second copy of what is turned.
  [[nodiscard]] Bytes Total() const { return file + pixels + codec; }
};
[[nodiscard]] DecodeNeed EstimateDecode(const ImageInfo& info, Bytes file_size,
                                        const DecodeOptions& options);

// Asked when the header is known and before memory is taken. Returns what the decoder and its
// output may hold together, buffers kept from earlier images included, at least need.Total(); or
// why the image is refused.
using DecodeAdmission = std::function<Result<Bytes>(const ImageInfo& info, const DecodeNeed& need)>;

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
  // The same, when `admit` (may be empty) lets it. The header that it is shown is that of the bytes
  // that are then decoded: of one open file, and a Failure when they change in between.
  [[nodiscard]] Result<ImageInfo> Decode(const std::string& path, const DecodeOptions& options,
                                         const DecodeAdmission& admit, Image* out);
  // The bytes of a whole file, which are copied.
  [[nodiscard]] Result<ImageInfo> Decode(std::span<const std::uint8_t> file,
                                         const DecodeOptions& options, Image* out);

  // What decides whether an image is used: readable headers, both sides at
  // least 10 px, a PNG's checksums, a JPEG's end. A JPEG without its end marker is accepted when
  // all of its pixels are there. Files are never rewritten. Decodes only where it must, and when
  // `admit` lets it.
  [[nodiscard]] Result<ImageInfo> Verify(const std::string& path,
                                         const DecodeAdmission& admit = {});

  // Held between two images: the file's bytes.
  [[nodiscard]] Bytes NumBytes() const { return Bytes(file_.capacity()); }

 private:
  [[nodiscard]] Result<ImageInfo> DecodeBuffer(std::size_t file_size, const ImageInfo& info,
                                               const DecodeOptions& options, Image* out);
  [[nodiscard]] Status DecodeJpeg(std::size_t file_size, const ImageInfo& info,
                                  const DecodeOptions& options, Image* out);
  [[nodiscard]] Status DecodeWithOpenCv(std::size_t file_size, const ImageInfo& info,
                                        const DecodeOptions& options, Image* out);
  [[nodiscard]] Status VerifyContent(const std::string& path, const ImageInfo& info,
                                     const DecodeAdmission& admit);
  // Gives back what is kept from earlier images as far as it would not fit beside this one.
  void MakeRoomWithin(Bytes allowed, const DecodeNeed& need, Image* out);

  std::vector<std::uint8_t> file_;
  JpegDecoder jpeg_;
};

}  // namespace headroom
