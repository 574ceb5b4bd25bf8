// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace headroom {

// Bytes to code points; what is no valid UTF-8 becomes U+FFFD, one for each bad byte.
[[nodiscard]] std::u32string DecodeUtf8(std::string_view bytes);
// Appends one code point. Surrogates and values beyond U+10FFFF become U+FFFD.
void AppendUtf8(char32_t code, std::string* text);

}  // namespace headroom
