// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_info.h"

#include "headroom/core/strings.h"
#include "headroom/image/header_bytes.h"
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

bool IsFrameHeader(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Result<ImageInfo> ReadJpeg(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kJpeg};
  bool has_exif = false;
  std::uint64_t at = 2;
  while (at + 4 <= file.size()) {
    if (file.U8(at) != 0xFF) return Failure{fmt::format("broken JPEG: no marker at byte {}", at)};
    const std::uint32_t marker = file.U8(at + 1);
    if (marker == 0xFF) {  // A fill byte.
      ++at;
      continue;
    }
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {  // Without a length.
      at += 2;
      continue;
    }
    if (marker == 0xD9 || marker == 0xDA) break;
    const std::uint32_t length = file.Big16(at + 2);
    if (length < 2)
      return Failure{fmt::format("broken JPEG: segment of length {} at byte {}", length, at)};
    if (marker == 0xE1 && !has_exif && file.Has(at + 4, "Exif\0\0")) {
      has_exif = true;
      info.orientation = ReadOrientation(file, at + 10);
    }
    if (IsFrameHeader(marker)) {
      const std::uint32_t kind = marker & 3;
      if (marker >= 0xC5 && marker != 0xC9 && marker != 0xCA) {
        return Failure{"lossless and hierarchical JPEGs cannot be read: convert the file"};
      }
      if (kind == 3) return Failure{"lossless JPEGs cannot be read: convert the file"};
      info.progressive = kind == 2;
      info.components = static_cast<int>(file.U8(at + 9));
      return Finish(info, file.Big16(at + 5), file.Big16(at + 7));
    }
    at += 2 + length;
  }
  return Failure{"broken JPEG: no frame header before the pixels or the file's end"};
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
  if (file.Has(12, "VP8X")) {
    const std::uint32_t width = (file.Little32(kData + 4) & 0xFFFFFF) + 1;
    const std::uint32_t height = (file.Little32(kData + 6) >> 8) + 1;
    constexpr std::uint32_t kHasExif = 8;
    if ((file.U8(kData) & kHasExif) != 0) info.orientation = ReadWebpOrientation(file);
    return Finish(info, height, width);
  }
  if (file.Has(12, "VP8L")) {
    const std::uint32_t bits = file.Little32(kData + 1);
    return Finish(info, ((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1);
  }
  if (file.Has(12, "VP8 ") && file.Has(kData + 3, "\x9D\x01\x2A")) {
    return Finish(info, file.Little16(kData + 8) & 0x3FFF, file.Little16(kData + 6) & 0x3FFF);
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
  return Finish(info, side(*height), side(*width));
}

Result<ImageInfo> ReadJpeg2000(HeaderBytes& file) {
  const ImageInfo info{.format = ImageFormat::kJpeg2000};
  std::uint64_t at = 0;
  while (at + 8 <= file.size()) {
    const std::uint64_t length = file.Big32(at);
    if (file.Has(at + 4, "jp2h")) {
      at += 8;  // Its children follow.
      continue;
    }
    if (file.Has(at + 4, "ihdr")) return Finish(info, file.Big32(at + 8), file.Big32(at + 12));
    if (length < 8) break;
    at += length;
  }
  return Failure{"broken JPEG 2000: no image header"};
}

Result<ImageInfo> ReadCodestream(HeaderBytes& file) {
  const ImageInfo info{.format = ImageFormat::kJpeg2000};
  return Finish(info, std::int64_t{file.Big32(12)} - file.Big32(20),
                std::int64_t{file.Big32(8)} - file.Big32(16));
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
