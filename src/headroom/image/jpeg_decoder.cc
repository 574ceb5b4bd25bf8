// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/jpeg_decoder.h"

#include "headroom/core/check.h"

#include <fmt/format.h>
#include <turbojpeg.h>

#include <algorithm>
#include <new>
#include <string>
#include <string_view>

namespace headroom {
namespace {

// TurboJPEG 2 leaves the coefficients' quantised sizes to the library: eighths down to 1/8.
constexpr int kScaleDenominator = 8;

int ScaledSide(int side, int eighths) {
  return TJSCALED(side, (tjscalingfactor{eighths, kScaleDenominator}));
}

bool SaysDataIsMissing(std::string_view message) {
  // "Premature end of JPEG file" and "Corrupt JPEG data: premature end of data segment".
  return message.find("remature end") != std::string_view::npos;
}

}  // namespace

void JpegDecoder::Destroy::operator()(void* handle) const { tjDestroy(handle); }

JpegDecoder::JpegDecoder() : handle_(tjInitDecompress()) {
  if (handle_ == nullptr) throw std::bad_alloc();
}

Result<JpegDecoder::Header> JpegDecoder::ReadHeader(std::span<const std::uint8_t> file) {
  Header header;
  int subsampling = 0;
  int colorspace = 0;
  if (tjDecompressHeader3(handle_.get(), file.data(), file.size(), &header.size.width,
                          &header.size.height, &subsampling, &colorspace) != 0) {
    return Failure{fmt::format("not a readable JPEG: {}", tjGetErrorStr2(handle_.get()))};
  }
  header.cmyk = colorspace == TJCS_CMYK || colorspace == TJCS_YCCK;
  return header;
}

ImageSize JpegDecoder::ScaledSize(ImageSize stored, int min_long_side) {
  if (min_long_side <= 0) return stored;
  for (int eighths = 1; eighths < kScaleDenominator; ++eighths) {
    if (ScaledSide(stored.long_side(), eighths) >= min_long_side) {
      return {ScaledSide(stored.height, eighths), ScaledSide(stored.width, eighths)};
    }
  }
  return stored;
}

Status JpegDecoder::Decode(std::span<const std::uint8_t> file, ColorOrder order,
                           Truncation truncation, const MutableImageView& out) {
  HEADROOM_CHECK(out.channels == 3, "JPEGs are decoded to 3 channels");
  const int format = order == ColorOrder::kRgb ? TJPF_RGB : TJPF_BGR;
  const int result =
      tjDecompress2(handle_.get(), file.data(), file.size(), out.data, out.width,
                    static_cast<int>(out.row_stride), out.height, format, TJFLAG_ACCURATEDCT);
  if (result == 0) return Unit{};
  const std::string message = tjGetErrorStr2(handle_.get());
  if (tjGetErrorCode(handle_.get()) == TJERR_FATAL) {
    return Failure{fmt::format("broken JPEG: {}", message)};
  }
  if (truncation == Truncation::kRefuse && SaysDataIsMissing(message)) {
    return Failure{fmt::format("truncated JPEG: {}", message)};
  }
  return Unit{};
}

}  // namespace headroom
