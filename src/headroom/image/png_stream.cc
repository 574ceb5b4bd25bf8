// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/png_stream.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

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

// What the walk asks of a file: in memory, or on disk.
class PngInMemory {
 public:
  explicit PngInMemory(std::span<const std::uint8_t> file) : file_(file) {}
  [[nodiscard]] std::uint64_t size() const { return file_.size(); }
  [[nodiscard]] std::array<std::uint8_t, 8> Read8(std::uint64_t at) const {
    std::array<std::uint8_t, 8> bytes{};
    std::memcpy(bytes.data(), file_.data() + at, std::min<std::uint64_t>(8, file_.size() - at));
    return bytes;
  }
  [[nodiscard]] uLong Checksum(std::uint64_t at, std::uint64_t count) const {
    return crc32_z(0, file_.data() + at, count);
  }

 private:
  std::span<const std::uint8_t> file_;
};

class PngOnDisk {
 public:
  PngOnDisk(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::array<std::uint8_t, 8> Read8(std::uint64_t at) const {
    std::array<std::uint8_t, 8> bytes{};
    (void)ReadAt(at, bytes);
    return bytes;
  }
  // Of what can be read: a file that is cut meanwhile has a wrong one.
  [[nodiscard]] uLong Checksum(std::uint64_t at, std::uint64_t count) {
    constexpr std::size_t kWindow = std::size_t{1} << 16;
    buffer_.resize(kWindow);
    uLong sum = 0;
    while (count > 0) {
      const std::size_t got = ReadAt(at, std::span(buffer_).first(static_cast<std::size_t>(
                                             std::min<std::uint64_t>(count, kWindow))));
      if (got == 0) break;
      sum = crc32_z(sum, buffer_.data(), got);
      at += got;
      count -= got;
    }
    return sum;
  }

 private:
  [[nodiscard]] std::size_t ReadAt(std::uint64_t at, std::span<std::uint8_t> to) const {
    ssize_t got = -1;
    do {
      got = ::pread(descriptor_, to.data(), to.size(), static_cast<off_t>(at));
    } while (got < 0 && errno == EINTR);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  int descriptor_;
  std::uint64_t size_;
  std::vector<std::uint8_t> buffer_;
};

// use(offset, whole chunk's length, type) for every chunk up to IEND.
template <typename File, typename Use>
Status ForEachChunk(File&& file, Use&& use) {
  std::uint64_t at = kSignatureBytes;
  while (true) {
    if (file.size() < at + kChunkOverhead) {
      return Failure{fmt::format(
          "truncated PNG: the file ends after {} bytes, without its end chunk", file.size())};
    }
    const std::array<std::uint8_t, 8> head = file.Read8(at);
    const std::uint64_t length = BigEndian32(head.data());
    const std::string_view type(reinterpret_cast<const char*>(head.data() + 4), 4);
    if (length + kChunkOverhead > file.size() - at) {
      return Failure{fmt::format("truncated PNG: chunk {} at byte {} needs {} bytes, {} are there",
                                 type, at, length + kChunkOverhead, file.size() - at)};
    }
    const uLong sum = file.Checksum(at + 4, length + 4);
    if (sum != BigEndian32(file.Read8(at + 8 + length).data())) {
      return Failure{fmt::format("broken PNG: wrong checksum of chunk {} at byte {}", type, at)};
    }
    const std::uint64_t whole = length + kChunkOverhead;
    use(static_cast<std::size_t>(at), static_cast<std::size_t>(whole), type);
    if (type == "IEND") return Unit{};
    at += whole;
  }
}

}  // namespace

Status CheckPng(int descriptor, std::uint64_t size) {
  return ForEachChunk(PngOnDisk(descriptor, size),
                      [](std::size_t, std::size_t, std::string_view) {});
}

Result<std::size_t> KeepPixelChunks(std::span<std::uint8_t> file) {
  std::size_t end = kSignatureBytes;
  const Status walked = ForEachChunk(PngInMemory(file),
                                     [&](std::size_t at, std::size_t whole, std::string_view type) {
                                       if (!DecidesPixels(type)) return;
                                       if (at != end)
                                         std::memmove(file.data() + end, file.data() + at, whole);
                                       end += whole;
                                     });
  if (!walked.ok()) return Failure{walked.error()};
  return end;
}

}  // namespace headroom
