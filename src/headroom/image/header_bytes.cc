// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/header_bytes.h"

#include <unistd.h>

namespace headroom {

bool HeaderBytes::Has(std::uint64_t at, std::span<const char> text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (U8(at + i) != static_cast<std::uint8_t>(text[i])) return false;
  }
  return at + text.size() <= size_;
}

bool HeaderBytes::MoveWindow(std::uint64_t at) {
  if (descriptor_ < 0 || at >= size_) return false;
  const ssize_t got = ::pread(descriptor_, buffer_.data(), buffer_.size(), static_cast<off_t>(at));
  window_begin_ = at;
  window_ = {buffer_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  return !window_.empty();
}

}  // namespace headroom
