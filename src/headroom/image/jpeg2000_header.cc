// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/jpeg2000_header.h"

#include <algorithm>
#include <optional>

namespace headroom {
namespace {

constexpr char kCodestream[] = "\xFF\x4F\xFF\x51";

// Where the codestream begins; notes the colour space on the way.
std::optional<std::uint64_t> FindCodestream(HeaderBytes& file, Jpeg2000Header* header) {
  if (file.Has(0, kCodestream)) return 0;
  std::uint64_t at = 0;
  while (at + 8 <= file.size()) {
    std::uint64_t length = file.Big32(at);
    std::uint64_t begin = 8;
    if (length == 1) {  // A length of 64 bits follows.
      length = std::uint64_t{file.Big32(at + 8)} << 32 | file.Big32(at + 12);
      begin = 16;
    }
    if (file.Has(at + 4, "jp2h")) {
      at += begin;  // Its children follow.
      continue;
    }
    constexpr std::uint32_t kEnumerated = 1;
    constexpr std::uint32_t kSycc = 18;
    if (file.Has(at + 4, "colr") && file.U8(at + begin) == kEnumerated)
      header->is_sycc = file.Big32(at + begin + 3) == kSycc;
    if (file.Has(at + 4, "jp2c")) return at + begin;
    if (length < begin || length > file.size() - at) return std::nullopt;
    at += length;
  }
  return std::nullopt;
}

// Segments of the main header: the size, and the code blocks of most tiles.
void ReadMainHeader(HeaderBytes& file, std::uint64_t at, Jpeg2000Header* header) {
  constexpr std::uint32_t kSize = 0xFF51;
  constexpr std::uint32_t kCoding = 0xFF52;
  constexpr std::uint32_t kTilePart = 0xFF90;
  at += 2;
  while (at + 4 <= file.size()) {
    const std::uint32_t marker = file.Big16(at);
    if (marker < 0xFF00 || marker == kTilePart) return;
    if (marker == kSize) {
      header->width = std::int64_t{file.Big32(at + 6)} - file.Big32(at + 14);
      header->height = std::int64_t{file.Big32(at + 10)} - file.Big32(at + 18);
      header->tile_width = file.Big32(at + 22);
      header->tile_height = file.Big32(at + 26);
      header->components = static_cast<int>(file.Big16(at + 38));
    }
    if (marker == kCoding) {
      const std::uint32_t exponents = (file.U8(at + 10) & 15) + (file.U8(at + 11) & 15) + 4;
      header->block_samples = std::int64_t{1} << std::min<std::uint32_t>(exponents, 12);
    }
    at += 2 + std::max<std::uint64_t>(file.Big16(at + 2), 2);
  }
}

}  // namespace

Result<Jpeg2000Header> ReadJpeg2000Header(HeaderBytes& file) {
  Jpeg2000Header header;
  const std::optional<std::uint64_t> codestream = FindCodestream(file, &header);
  if (!codestream || !file.Has(*codestream, kCodestream))
    return Failure{"broken JPEG 2000: no image header"};
  ReadMainHeader(file, *codestream, &header);
  return header;
}

std::uint64_t CodecBytes(const Jpeg2000Header& header, std::uint64_t file_size) {
  if (header.height <= 0 || header.width <= 0) return 0;
  constexpr std::uint64_t kBytesPerSample = 4;
  constexpr std::uint64_t kBytesPerBlock = 1536;  // Its segments, chunks, tree nodes: measured.
  const auto area = [](std::int64_t height, std::int64_t width) {
    return static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width);
  };
  const auto components = static_cast<std::uint64_t>(header.components);
  const std::uint64_t samples = area(header.height, header.width) * components;
  // One tile is decoded into the picture itself, each of several beside it.
  const bool several = header.tile_height < header.height || header.tile_width < header.width;
  const std::uint64_t tile = components * area(std::min(header.tile_height, header.height),
                                               std::min(header.tile_width, header.width));
  const std::uint64_t blocks = tile / static_cast<std::uint64_t>(header.block_samples) + 1;
  // OpenCV turns sYCC into RGB in a picture of its own.
  const std::uint64_t converted = header.is_sycc ? area(header.height, header.width) * 3 : 0;
  return samples * kBytesPerSample + (several ? tile * kBytesPerSample : 0) +
         blocks * kBytesPerBlock + file_size + converted;
}

}  // namespace headroom
