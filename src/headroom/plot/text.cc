// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/text.h"

#include <array>
#include <cstdint>

namespace headroom {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char At(std::string_view text, std::size_t position) {
  return static_cast<unsigned char>(text[position]);
}

std::size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Length of the well-formed sequence at `position`, or 0 (Unicode 15, table 3-7).
std::size_t ValidSequence(std::string_view text, std::size_t position) {
  const unsigned char lead = At(text, position);
  const std::size_t length = SequenceLength(lead);
  if (length == 0 || position + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((At(text, position + i) & 0xC0) != 0x80) return 0;
  }
  if (length < 3) return length;
  const unsigned char second = At(text, position + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

}  // namespace

std::string CleanText(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = ValidSequence(text, i);
    if (length == 0) {
      clean += kReplacement;
      ++i;
      continue;
    }
    const bool control = length == 1 && (At(text, i) < 0x20 || At(text, i) == 0x7F);
    if (control) {
      clean += ' ';
    } else {
      clean += text.substr(i, length);
    }
    i += length;
  }
  return clean;
}

std::string EscapeXml(std::string_view text) {
  std::string escaped;
  for (const char c : CleanText(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

char32_t NextCodePoint(std::string_view text, std::size_t* position) {
  const unsigned char lead = At(text, *position);
  const std::size_t length = SequenceLength(lead);
  constexpr std::array<std::uint8_t, 5> kLeadBits = {0x7F, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code = lead & kLeadBits[length];
  for (std::size_t i = 1; i < length && *position + i < text.size(); ++i) {
    code = (code << 6) | (At(text, *position + i) & 0x3FU);
  }
  *position += length == 0 ? 1 : length;
  return code;
}

}  // namespace headroom
