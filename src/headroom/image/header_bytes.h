// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace headroom {

// Random access to the headers of an image file, in memory or on disk: a small window is read at a
// time, so skipping over pixels costs nothing. Reads outside the file give 0; the caller compares
// offsets with size() where that matters. Not thread-safe.
class HeaderBytes {
 public:
  explicit HeaderBytes(std::span<const std::uint8_t> file)
      : window_begin_(0), window_(file), size_(file.size()) {}
  // Reads through a descriptor that stays the caller's.
  HeaderBytes(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  HeaderBytes(const HeaderBytes&) = delete;
  HeaderBytes& operator=(const HeaderBytes&) = delete;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint32_t U8(std::uint64_t at) {
    if (at - window_begin_ >= window_.size() && !MoveWindow(at)) return 0;
    return window_[static_cast<std::size_t>(at - window_begin_)];
  }
  [[nodiscard]] std::uint32_t Big16(std::uint64_t at) { return U8(at) << 8 | U8(at + 1); }
  [[nodiscard]] std::uint32_t Big32(std::uint64_t at) { return Big16(at) << 16 | Big16(at + 2); }
  [[nodiscard]] std::uint32_t Little16(std::uint64_t at) { return U8(at + 1) << 8 | U8(at); }
  [[nodiscard]] std::uint32_t Little32(std::uint64_t at) {
    return Little16(at + 2) << 16 | Little16(at);
  }
  // The bytes at an offset are these.
  [[nodiscard]] bool Has(std::uint64_t at, std::span<const char> text);
  template <std::size_t N>
  [[nodiscard]] bool Has(std::uint64_t at, const char (&text)[N]) {
    return Has(at, std::span<const char>(text, N - 1));
  }

 private:
  [[nodiscard]] bool MoveWindow(std::uint64_t at);

  int descriptor_ = -1;
  std::uint64_t window_begin_ = 0;
  std::span<const std::uint8_t> window_;
  std::uint64_t size_;
  std::array<std::uint8_t, 4096> buffer_;
};

}  // namespace headroom
