// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

[[nodiscard]] std::string_view Trim(std::string_view text);
// Split at every separator; empty parts are kept. Views into text.
[[nodiscard]] std::vector<std::string_view> Split(std::string_view text, char separator);
[[nodiscard]] std::string ToLower(std::string_view text);
[[nodiscard]] std::string Join(std::span<const std::string> parts, std::string_view separator);
// Up to `most` candidates that resemble the word, best first: similarity 2M/T of matching blocks
// (Ratcliff and Obershelp 1988) at least 0.6, which is what users of difflib expect.
[[nodiscard]] std::vector<std::string> Nearest(std::string_view word,
                                               std::span<const std::string> candidates,
                                               std::size_t most = 3);
// Whole-text number parsing; false when anything is left over. No locale.
[[nodiscard]] bool ParseDouble(std::string_view text, double* value);
[[nodiscard]] bool ParseInt(std::string_view text, std::int64_t* value);

}  // namespace headroom
