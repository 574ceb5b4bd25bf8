// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_info.h"

#include "headroom/core/strings.h"
#include "headroom/image/header_bytes.h"
#include "headroom/image/jpeg2000_header.h"
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

// use(offset of a chunk, its length) for the chunks of an extended file; true ends the walk.
template <typename Use>
void ForEachWebpChunk(HeaderBytes& file, Use&& use) {
  std::uint64_t at = 12;
  while (at + 8 <= file.size()) {
    const std::uint64_t length = file.Little32(at + 4);
    if (use(at)) return;
    at += 8 + length + length % 2;
  }
}

Orientation ReadWebpOrientation(HeaderBytes& file) {
  Orientation orientation = Orientation::kUpright;
  ForEachWebpChunk(file, [&](std::uint64_t at) {
    if (!file.Has(at, "EXIF")) return false;
    const bool prefixed = file.Has(at + 8, "Exif\0\0");
    orientation = ReadOrientation(file, at + (prefixed ? 14 : 8));
    return true;
  });
  return orientation;
}

constexpr std::uint64_t kWebpData = 20;  // Behind the header of the first chunk.

// What libwebp and OpenCV hold beside the file and the result: a lossless picture is decoded as a
// whole, a plane of transparency too, and one with transparency gets 4 channels before it is copied
// to 3.
std::uint64_t WebpCodecBytes(HeaderBytes& file, std::uint64_t pixels) {
  constexpr std::uint64_t kLosslessPixel = 4;
  constexpr std::uint64_t kFourChannels = 4;
  bool lossless = file.Has(12, "VP8L");
  bool alpha = lossless && (file.U8(kWebpData + 4) & 0x10) != 0;
  std::uint64_t plane = 0;
  if (file.Has(12, "VP8X")) {
    alpha = (file.U8(kWebpData) & 0x10) != 0;
    ForEachWebpChunk(file, [&](std::uint64_t at) {
      lossless = lossless || file.Has(at, "VP8L");
      if (file.Has(at, "ALPH")) {
        const bool packed = (file.U8(at + 8) & 3) != 0;
        alpha = true;
        plane = 1 + (packed ? kLosslessPixel : 0);
      }
      return lossless || file.Has(at, "VP8 ");
    });
  }
  // Huffman codes of the picture's parts.
  const std::uint64_t codes = lossless ? pixels / 16 + (std::uint64_t{1} << 18) : 0;
  return pixels * ((lossless ? kLosslessPixel : 0) + (alpha ? kFourChannels + plane : 0)) + codes;
}

Result<ImageInfo> ReadWebp(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kWebp};
  if (std::uint64_t{file.Little32(4)} + 8 > file.size() || file.size() < 30) {
    return Truncated(info.format, file);
  }
  const auto finish = [&](std::uint32_t height, std::uint32_t width) {
    info.codec_bytes = WebpCodecBytes(file, std::uint64_t{height} * width);
    return Finish(info, height, width);
  };
  if (file.Has(12, "VP8X")) {
    constexpr std::uint32_t kHasExif = 8;
    if ((file.U8(kWebpData) & kHasExif) != 0) info.orientation = ReadWebpOrientation(file);
    return finish((file.Little32(kWebpData + 6) >> 8) + 1,
                  (file.Little32(kWebpData + 4) & 0xFFFFFF) + 1);
  }
  if (file.Has(12, "VP8L")) {
    const std::uint32_t bits = file.Little32(kWebpData + 1);
    return finish(((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1);
  }
  if (file.Has(12, "VP8 ") && file.Has(kWebpData + 3, "\x9D\x01\x2A")) {
    return finish(file.Little16(kWebpData + 8) & 0x3FFF, file.Little16(kWebpData + 6) & 0x3FFF);
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

// How a TIFF's pixels are stored; sides are within kMostSide + 1.
struct TiffStorage {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t part_height = 0;  // Of a strip or a tile.
  std::int64_t part_width = 0;
  std::uint64_t parts = 0;
  std::uint64_t largest_part = 0;     // Bytes as stored.
  std::uint64_t bits_per_pixel = 24;  // Decoded.
};

// A tag's number, or the standard's value for one that is not there.
std::int64_t TiffNumber(TiffDirectory& directory, std::uint32_t tag, std::int64_t absent) {
  const auto field = directory.Find(tag);
  if (!field) return absent;
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(directory.Value(*field, 0), kMostSide + 1));
}

TiffStorage ReadTiffStorage(TiffDirectory& directory, std::uint64_t file_size) {
  TiffStorage s{.height = TiffNumber(directory, 257, 0), .width = TiffNumber(directory, 256, 0)};
  const bool tiled = directory.Find(322).has_value();
  s.part_width = tiled ? TiffNumber(directory, 322, s.width) : s.width;
  s.part_height = tiled ? TiffNumber(directory, 323, s.height)
                        : std::min(TiffNumber(directory, 278, s.height), s.height);
  if (!tiled && s.part_height == 0) s.part_height = s.height;
  const std::int64_t samples = TiffNumber(directory, 277, 1);
  constexpr std::int64_t kMostBits = 1 << 12;
  s.bits_per_pixel =
      static_cast<std::uint64_t>(std::min(TiffNumber(directory, 258, 1) * samples, kMostBits));
  if (const auto counts = directory.Find(tiled ? 325 : 279)) {
    s.parts = std::min(counts->count, file_size);  // Nothing in the file is trusted.
    for (std::uint64_t i = 0; i < s.parts; ++i)
      s.largest_part = std::max(s.largest_part, directory.Value(*counts, i));
    s.largest_part = std::min(s.largest_part, file_size);
  }
  // libtiff cuts the one strip of a plain file into strips of 8 KiB or a row.
  constexpr std::int64_t kNoCompression = 1;
  constexpr std::int64_t kOnePlane = 1;
  if (!tiled && s.parts == 1 && TiffNumber(directory, 259, kNoCompression) == kNoCompression &&
      TiffNumber(directory, 284, kOnePlane) == kOnePlane) {
    const std::uint64_t row =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(s.width) * s.bits_per_pixel / 8);
    constexpr std::uint64_t kStripBytes = 8192;
    s.part_height = std::min(s.part_height, static_cast<std::int64_t>(kStripBytes / row + 1));
    s.parts = static_cast<std::uint64_t>(s.height);
    s.largest_part = kStripBytes + row;
  }
  return s;
}

// One part at a time: as stored; as decoded (all planes), beside what of it lies in the picture as
// the RGBA that OpenCV asks for; then all of it as RGBA.
std::uint64_t TiffCodecBytes(const TiffStorage& s) {
  constexpr std::uint64_t kRgba = 4;
  constexpr std::uint64_t kPartEntry = 32;  // Its offset and count, twice.
  const auto area = [](std::int64_t height, std::int64_t width) {
    return static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width);
  };
  const std::uint64_t part = area(s.part_height, s.part_width);
  const std::uint64_t inside =
      area(std::min(s.part_height, s.height), std::min(s.part_width, s.width));
  const std::uint64_t decoded = part * (s.bits_per_pixel + 7) / 8;
  constexpr std::uint64_t kTables = std::uint64_t{1} << 18;  // Codes, and 16 bits to 8.
  return s.largest_part + std::max(decoded + inside * kRgba, part * kRgba) + s.parts * kPartEntry +
         kTables;
}

Result<ImageInfo> ReadTiff(HeaderBytes& file) {
  ImageInfo info{.format = ImageFormat::kTiff};
  auto directory = TiffDirectory::Open(file, 0);
  if (!directory || !directory->Find(256) || !directory->Find(257))
    return Failure{"broken or truncated TIFF: its directory cannot be read"};
  if (TiffIsCut(file, *directory, 273, 279) || TiffIsCut(file, *directory, 324, 325)) {
    return Truncated(info.format, file);
  }
  info.orientation = ReadOrientation(file, 0);
  const TiffStorage storage = ReadTiffStorage(*directory, file.size());
  info.codec_bytes = TiffCodecBytes(storage);
  return Finish(info, storage.height, storage.width);
}

Result<ImageInfo> ReadJpeg2000(HeaderBytes& file) {
  const Result<Jpeg2000Header> header = ReadJpeg2000Header(file);
  if (!header.ok()) return Failure{header.error()};
  ImageInfo info{.format = ImageFormat::kJpeg2000};
  Result<ImageInfo> finished = Finish(info, header->height, header->width);
  // Only of sides that are in range.
  if (finished.ok()) finished->codec_bytes = CodecBytes(*header, file.size());
  return finished;
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
  if (file.Has(4, "jP  \r\n\x87\n") || file.Has(0, "\xFF\x4F\xFF\x51")) return ReadJpeg2000(file);
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

Result<ImageInfo> ReadImageInfo(int descriptor, std::uint64_t size) {
  HeaderBytes bytes(descriptor, size);
  return Read(bytes);
}

Result<ImageInfo> ReadImageInfo(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Failure{fmt::format("cannot be opened: {}", std::strerror(errno))};
  struct stat info{};
  const bool is_file = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  Result<ImageInfo> result =
      is_file ? ReadImageInfo(descriptor, static_cast<std::uint64_t>(info.st_size))
              : Failure{"not a file"};
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
