// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headroom {

// The text as valid UTF-8 without control characters: what is not becomes U+FFFD or a space. Class
// names come from files of any origin, and one bad byte would stop a whole drawing.
[[nodiscard]] std::string CleanText(std::string_view text);

// CleanText, then safe inside XML and HTML elements and quoted attributes.
[[nodiscard]] std::string EscapeXml(std::string_view text);

// The code point that starts at `position` of valid UTF-8; `position` moves behind it.
[[nodiscard]] char32_t NextCodePoint(std::string_view text, std::size_t* position);

}  // namespace headroom
