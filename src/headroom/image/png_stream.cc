// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/png_stream.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <string_view>

namespace headroom {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kChunkOverhead = 12;  // Length, type, checksum.

std::uint64_t BigEndian32(const std::uint8_t* p) {
  std::uint64_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | p[i];
  return value;
}

bool DecidesPixels(std::string_view type) {
  constexpr std::array<std::string_view, 5> kTypes = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};
  for (const std::string_view known : kTypes) {
    if (type == known) return true;
  }
  return false;
}

// use(offset, whole chunk's length, type) for every chunk up to IEND.
template <typename Use>
Status ForEachChunk(std::span<const std::uint8_t> file, Use&& use) {
  std::size_t at = kSignatureBytes;
  while (true) {
    if (file.size() < at + kChunkOverhead) {
      return Failure{fmt::format(
          "truncated PNG: the file ends after {} bytes, without its end chunk", file.size())};
    }
    const std::uint64_t length = BigEndian32(file.data() + at);
    const std::string_view type(reinterpret_cast<const char*>(file.data() + at + 4), 4);
    if (length + kChunkOverhead > file.size() - at) {
      return Failure{fmt::format("truncated PNG: chunk {} at byte {} needs {} bytes, {} are there",
                                 type, at, length + kChunkOverhead, file.size() - at)};
    }
    const uLong sum = crc32_z(0, file.data() + at + 4, static_cast<std::size_t>(length) + 4);
    if (sum != BigEndian32(file.data() + at + 8 + length)) {
      return Failure{fmt::format("broken PNG: wrong checksum of chunk {} at byte {}", type, at)};
    }
    const bool is_end = type == "IEND";
    const std::size_t whole = static_cast<std::size_t>(length) + kChunkOverhead;
    use(at, whole, type);
    if (is_end) return Unit{};
    at += whole;
  }
}

}  // namespace

Status CheckPng(std::span<const std::uint8_t> file) {
  return ForEachChunk(file, [](std::size_t, std::size_t, std::string_view) {});
}

Result<std::size_t> KeepPixelChunks(std::span<std::uint8_t> file) {
  std::size_t end = kSignatureBytes;
  const Status walked =
      ForEachChunk(file, [&](std::size_t at, std::size_t whole, std::string_view type) {
        if (!DecidesPixels(type)) return;
        if (at != end) std::memmove(file.data() + end, file.data() + at, whole);
        end += whole;
      });
  if (!walked.ok()) return Failure{walked.error()};
  return end;
}

}  // namespace headroom
