// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_info.h"

#include "headroom/core/strings.h"
#include "headroom/image/header_bytes.h"
#include "headroom/image/jpeg_header.h"
#include "headroom/image/tiff_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace headroom {
namespace {

// OpenCV refuses more (CV_IO_MAX_IMAGE_WIDTH, _HEIGHT, _PIXELS).
constexpr std::int64_t kMostSide = 1 << 20;
constexpr std::int64_t kMostPixels = 1 << 30;

Orientation ReadOrientation(HeaderBytes& file, std::uint64_t tiff_block) {
  constexpr std::uint32_t kOrientationTag = 0x0112;
  auto directory = TiffDirectory::Open(file, tiff_block);
  if (!directory) return Orientation::kUpright;
  const auto field = directory->Find(kOrientationTag);
  // A bad tag is no reason to lose an image.
  const std::uint64_t value = field ? directory->Value(*field, 0) : 1;
  return value >= 1 && value <= 8 ? static_cast<Orientation>(value) : Orientation::kUpright;
}

Result<ImageInfo> Finish(ImageInfo info, std::int64_t height, std::int64_t width) {
  if (height <= 0 || width <= 0 || height > kMostSide || width > kMostSide ||
      height * width > kMostPixels) {
    return Failure{fmt::format("{} of {}x{} px: sides must be 1 to {} px, {} px in all at most",
                               Name(info.format), width, height, kMostSide, kMostPixels)};
  }
  info.size = {static_cast<int>(height), static_cast<int>(width)};
  if (SwapsSides(info.orientation)) std::swap(info.size.height, info.size.width);
  return info;
}

Failure Truncated(ImageFormat format, const HeaderBytes& file) {
  return Failure{
      fmt::format("truncated {}: the file has only {} bytes", Name(format), file.size())};
}

Result<ImageInfo> ReadJpeg(HeaderBytes& file) {
  const Result<JpegHeader> header = ReadJpegHeader(file);
  if (!header.ok()) return Failure{header.error()};
  ImageInfo info{.format = ImageFormat::kJpeg};
  if (header->exif_at) info.orientation = ReadOrientation(file, *header->exif_at);
  constexpr int kCmykComponents = 4;
  info.is_cmyk = header->components == kCmykComponents;
  info.codec_bytes = header->coefficient_bytes;
  return Finish(info, header->height, header->width);
}

Result<ImageInfo> ReadPng(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kPng};
  if (!file.Has(12, "IHDR")) return Failure{"broken PNG: it does not begin with an IHDR chunk"};
  std::uint64_t at = 8;
  while (at + 12 <= file.size() && !file.Has(at + 4, "IDAT")) {
    if (file.Has(at + 4, "eXIf")) info.orientation = ReadOrientation(file, at + 8);
    at += 12 + std::uint64_t{file.Big32(at)};
  }
  return Finish(info, file.Big32(20), file.Big32(16));
}

Result<ImageInfo> ReadBmp(HeaderBytes& file) {
  const ImageInfo info{.format = ImageFormat::kBmp};
  if (file.size() < 30) return Truncated(info.format, file);
  const bool old = file.Little32(14) == 12;
  const std::int64_t width = old ? file.Little16(18) : static_cast<std::int32_t>(file.Little32(18));
  const std::int64_t height =
      std::abs(old ? std::int64_t{file.Little16(20)}
                   : std::int64_t{static_cast<std::int32_t>(file.Little32(22))});
  const std::int64_t bits = old ? file.Little16(24) : file.Little16(28);
  const std::uint32_t compression = old ? 0 : file.Little32(30);
  const bool plain = compression == 0 || compression == 3;
  const std::int64_t row_bytes = (width * bits + 31) / 32 * 4;
  if (plain && width > 0 && height <= kMostSide && width <= kMostSide &&
      file.Little32(10) + row_bytes * height > static_cast<std::int64_t>(file.size())) {
    return Truncated(info.format, file);
  }
  return Finish(info, height, width);
}

Orientation ReadWebpOrientation(HeaderBytes& file) {
  std::uint64_t at = 12;
  while (at + 8 <= file.size()) {
    const std::uint64_t length = file.Little32(at + 4);
    if (file.Has(at, "EXIF")) {
      const bool prefixed = file.Has(at + 8, "Exif\0\0");
      return ReadOrientation(file, at + (prefixed ? 14 : 8));
    }
    at += 8 + length + length % 2;
  }
  return Orientation::kUpright;
}

Result<ImageInfo> ReadWebp(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kWebp};
  if (std::uint64_t{file.Little32(4)} + 8 > file.size() || file.size() < 30) {
    return Truncated(info.format, file);
  }
  constexpr std::uint64_t kData = 20;
  // Lossless pictures are decoded as 4 bytes a pixel, those with transparency copied once more.
  const auto finish = [&](std::uint32_t height, std::uint32_t width,
                          std::uint64_t bytes_per_pixel) {
    info.codec_bytes = std::uint64_t{height} * width * bytes_per_pixel;
    return Finish(info, height, width);
  };
  if (file.Has(12, "VP8X")) {
    constexpr std::uint32_t kHasExif = 8;
    if ((file.U8(kData) & kHasExif) != 0) info.orientation = ReadWebpOrientation(file);
    return finish((file.Little32(kData + 6) >> 8) + 1, (file.Little32(kData + 4) & 0xFFFFFF) + 1,
                  8);
  }
  if (file.Has(12, "VP8L")) {
    const std::uint32_t bits = file.Little32(kData + 1);
    return finish(((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1, 8);
  }
  if (file.Has(12, "VP8 ") && file.Has(kData + 3, "\x9D\x01\x2A")) {
    return finish(file.Little16(kData + 8) & 0x3FFF, file.Little16(kData + 6) & 0x3FFF, 0);
  }
  return Failure{"broken WebP: no picture chunk"};
}

// Strips or tiles that reach beyond the file's end.
bool TiffIsCut(HeaderBytes& file, TiffDirectory& directory, std::uint32_t offsets_tag,
               std::uint32_t counts_tag) {
  const auto offsets = directory.Find(offsets_tag);
  const auto counts = directory.Find(counts_tag);
  if (!offsets || !counts) return false;
  const std::uint64_t parts = std::min(offsets->count, counts->count);
  if (offsets->value_offset + parts > file.size()) return true;
  for (std::uint64_t i = 0; i < parts; ++i) {
    const std::uint64_t begin = directory.Value(*offsets, i);
    if (begin > file.size() || directory.Value(*counts, i) > file.size() - begin) return true;
  }
  return false;
}

Result<ImageInfo> ReadTiff(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kTiff};
  auto directory = TiffDirectory::Open(file, 0);
  const auto width = directory ? directory->Find(256) : std::nullopt;
  const auto height = directory ? directory->Find(257) : std::nullopt;
  if (!width || !height) return Failure{"broken or truncated TIFF: its directory cannot be read"};
  if (TiffIsCut(file, *directory, 273, 279) || TiffIsCut(file, *directory, 324, 325)) {
    return Truncated(info.format, file);
  }
  info.orientation = ReadOrientation(file, 0);
  const auto side = [&](const TiffDirectory::Field& field) {
    return static_cast<std::int64_t>(
        std::min<std::uint64_t>(directory->Value(field, 0), kMostSide + 1));
  };
  // One strip at a time is decoded, to 4 channels of 16 bits at most; a file may be one strip.
  const auto rows_per_strip = directory->Find(278);
  const std::int64_t rows =
      rows_per_strip ? std::min(side(*rows_per_strip), side(*height)) : side(*height);
  info.codec_bytes = static_cast<std::uint64_t>(rows * side(*width)) * 8;
  return Finish(info, side(*height), side(*width));
}

// OpenJPEG holds 32 bits a sample, and tiles beside them.
Result<ImageInfo> FinishJpeg2000(std::int64_t height, std::int64_t width,
                                 std::uint32_t components) {
  ImageInfo info{.format = ImageFormat::kJpeg2000};
  constexpr std::uint64_t kBytesPerSample = 5;
  if (height > 0 && width > 0) {
    info.codec_bytes = static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width) *
                       components * kBytesPerSample;
  }
  return Finish(info, height, width);
}

Result<ImageInfo> ReadJpeg2000(HeaderBytes& file) {
  std::uint64_t at = 0;
  while (at + 8 <= file.size()) {
    const std::uint64_t length = file.Big32(at);
    if (file.Has(at + 4, "jp2h")) {
      at += 8;  // Its children follow.
      continue;
    }
    if (file.Has(at + 4, "ihdr"))
      return FinishJpeg2000(file.Big32(at + 8), file.Big32(at + 12), file.Big16(at + 16));
    if (length < 8) break;
    at += length;
  }
  return Failure{"broken JPEG 2000: no image header"};
}

Result<ImageInfo> ReadCodestream(HeaderBytes& file) {
  return FinishJpeg2000(std::int64_t{file.Big32(12)} - file.Big32(20),
                        std::int64_t{file.Big32(8)} - file.Big32(16), file.Big16(40));
}

Result<ImageInfo> Read(HeaderBytes& file) {
  if (file.size() == 0) return Failure{"the file is empty"};
  if (file.Has(0, "\xFF\xD8\xFF")) return ReadJpeg(file);
  if (file.Has(0, "\x89PNG\r\n\x1A\n")) return ReadPng(file);
  if (file.Has(0, "BM")) return ReadBmp(file);
  if (file.Has(0, "RIFF") && file.Has(8, "WEBP")) return ReadWebp(file);
  if (file.Has(0, "II*\0") || file.Has(0, "MM\0*") || file.Has(0, "II+\0") ||
      file.Has(0, "MM\0+")) {
    return ReadTiff(file);
  }
  if (file.Has(4, "jP  \r\n\x87\n")) return ReadJpeg2000(file);
  if (file.Has(0, "\xFF\x4F\xFF\x51")) return ReadCodestream(file);
  if (file.Has(4, "ftyp")) {
    return Failure{
        "HEIF and AVIF images cannot be read by this build: convert them to JPEG or PNG"};
  }
  if (file.Has(0, "GIF8"))
    return Failure{"GIF images are not supported: convert them to JPEG or PNG"};
  return Failure{"not an image of a known format (JPEG, PNG, BMP, WebP, TIFF, JPEG 2000)"};
}

}  // namespace

std::string_view Name(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kBmp:
      return "BMP";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kTiff:
      return "TIFF";
    case ImageFormat::kJpeg2000:
      return "JPEG 2000";
  }
  return "";
}

Result<ImageInfo> ReadImageInfo(std::span<const std::uint8_t> file) {
  HeaderBytes bytes(file);
  return Read(bytes);
}

Result<ImageInfo> ReadImageInfo(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Failure{fmt::format("cannot be opened: {}", std::strerror(errno))};
  struct stat info{};
  const bool is_file = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  HeaderBytes bytes(descriptor, is_file ? static_cast<std::uint64_t>(info.st_size) : 0);
  Result<ImageInfo> result = is_file ? Read(bytes) : Failure{"not a file"};
  ::close(descriptor);
  return result;
}

std::span<const std::string_view> ImageSuffixes() {
  static constexpr std::array<std::string_view, 13> kSuffixes = {
      "avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg",
      "jpg",  "mpo", "png", "tif",  "tiff", "webp"};
  return kSuffixes;
}

bool HasImageSuffix(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.size() - dot > 5) return false;
  const std::string suffix = ToLower(path.substr(dot + 1));
  for (const std::string_view known : ImageSuffixes()) {
    if (suffix == known) return true;
  }
  return false;
}

}  // namespace headroom
