// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/jpeg_header.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

enum Marker : std::uint32_t {
  kTemporary = 0x01,
  kFrame = 0xC0,
  kHuffmanTables = 0xC4,
  kExtension = 0xC8,
  kArithmeticTables = 0xCC,
  kLastFrame = 0xCF,
  kFirstRestart = 0xD0,
  kLastRestart = 0xD7,
  kEnd = 0xD9,
  kScan = 0xDA,
  kExif = 0xE1,
};

bool IsFrame(std::uint32_t marker) {
  return marker >= kFrame && marker <= kLastFrame && marker != kHuffmanTables &&
         marker != kExtension && marker != kArithmeticTables;
}

bool HasNoLength(std::uint32_t marker) {
  return marker == kTemporary || (marker >= kFirstRestart && marker <= kLastRestart);
}

std::uint64_t DividedUp(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// Frame header at `at`: length, precision, height, width, components, then 3 bytes a component.
std::uint64_t CoefficientBytes(HeaderBytes& file, std::uint64_t at, const JpegHeader& header) {
  const auto sampling = [&](int component) {
    return file.U8(at + 9 + 3 * static_cast<std::uint64_t>(component));
  };
  std::uint64_t most_h = 1;
  std::uint64_t most_v = 1;
  for (int i = 0; i < header.components; ++i) {
    most_h = std::max<std::uint64_t>(most_h, sampling(i) >> 4);
    most_v = std::max<std::uint64_t>(most_v, sampling(i) & 15);
  }
  constexpr std::uint64_t kBlockSide = 8;
  constexpr std::uint64_t kBlockBytes = kBlockSide * kBlockSide * 2;
  const std::uint64_t columns =
      DividedUp(static_cast<std::uint64_t>(header.width), kBlockSide * most_h);
  const std::uint64_t rows =
      DividedUp(static_cast<std::uint64_t>(header.height), kBlockSide * most_v);
  std::uint64_t blocks = 0;
  for (int i = 0; i < header.components; ++i)
    blocks += columns * (sampling(i) >> 4) * rows * (sampling(i) & 15);
  return blocks * kBlockBytes;
}

// The frame header's fields; failure for what libjpeg-turbo does not decode.
Status ReadFrame(HeaderBytes& file, std::uint32_t marker, std::uint64_t at, JpegHeader* header) {
  const std::uint32_t process = marker & 3;  // 0, 1 sequential, 2 progressive, 3 lossless.
  const bool is_differential = (marker & 4) != 0;
  if (process == 3 || is_differential) {
    return Failure{"lossless and hierarchical JPEGs cannot be read: convert the file"};
  }
  header->height = static_cast<int>(file.Big16(at + 3));
  header->width = static_cast<int>(file.Big16(at + 5));
  header->components = static_cast<int>(file.U8(at + 7));
  header->coefficient_bytes = CoefficientBytes(file, at, *header);
  return Unit{};
}

}  // namespace

Result<JpegHeader> ReadJpegHeader(HeaderBytes& file) {
  JpegHeader header;
  bool is_progressive = false;
  std::uint64_t at = 2;
  while (at + 4 <= file.size()) {
    if (file.U8(at) != 0xFF) return Failure{fmt::format("broken JPEG: no marker at byte {}", at)};
    const std::uint32_t marker = file.U8(at + 1);
    if (marker == 0xFF || HasNoLength(marker)) {  // A fill byte, or a marker alone.
      at += marker == 0xFF ? 1 : 2;
      continue;
    }
    if (marker == kEnd) break;
    const std::uint32_t length = file.Big16(at + 2);
    if (length < 2)
      return Failure{fmt::format("broken JPEG: segment of length {} at byte {}", length, at)};
    if (marker == kScan) {
      const bool all_in_one =
          !is_progressive && static_cast<int>(file.U8(at + 4)) == header.components;
      if (header.components == 0) break;
      if (all_in_one) header.coefficient_bytes = 0;
      return header;
    }
    if (marker == kExif && !header.exif_at && file.Has(at + 4, "Exif\0\0"))
      header.exif_at = at + 10;
    if (IsFrame(marker)) {
      const Status frame = ReadFrame(file, marker, at + 2, &header);
      if (!frame.ok()) return Failure{frame.error()};
      is_progressive = (marker & 3) == 2;
    }
    at += 2 + length;
  }
  return Failure{"broken JPEG: no frame header with pixels behind it before the file's end"};
}

}  // namespace headroom
