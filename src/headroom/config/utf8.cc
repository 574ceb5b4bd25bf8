// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/utf8.h"

#include <cstdint>

namespace headroom {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool IsScalarValue(char32_t code) { return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF); }

// Length of the sequence that a lead byte opens; 0 for a byte that opens none.
std::size_t SequenceLength(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

}  // namespace

std::u32string DecodeUtf8(std::string_view bytes) {
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  std::u32string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<std::uint8_t>(bytes[at]);
    const std::size_t length = SequenceLength(lead);
    char32_t code = length <= 1 ? lead : lead & (0xFFU >> (length + 1));
    bool valid = length != 0 && at + length <= bytes.size();
    for (std::size_t i = 1; valid && i < length; ++i) {
      const auto next = static_cast<std::uint8_t>(bytes[at + i]);
      valid = (next & 0xC0) == 0x80;
      code = (code << 6) | (next & 0x3FU);
    }
    valid = valid && IsScalarValue(code) && code >= kSmallest[length];
    text += valid ? code : kReplacement;
    at += valid ? length : 1;
  }
  return text;
}

void AppendUtf8(char32_t code, std::string* text) {
  if (!IsScalarValue(code)) code = kReplacement;
  const auto tail = [&](int shift) {
    text->push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
  };
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text->push_back(static_cast<char>(0xC0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    text->push_back(static_cast<char>(0xE0 | (code >> 12)));
    tail(6);
    tail(0);
  } else {
    text->push_back(static_cast<char>(0xF0 | (code >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace headroom
