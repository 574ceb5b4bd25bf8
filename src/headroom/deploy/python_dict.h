// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// A flat dict as Python prints it: {0: 'person', 'b': 2, 'c': None}. Keys and values as text;
// quotes are taken off strings. In the order of the text.
using PythonDict = std::vector<std::pair<std::string, std::string>>;

// Nothing for anything else; nothing is evaluated.
[[nodiscard]] std::optional<PythonDict> ParsePythonDict(std::string_view text);
// [640, 640]
[[nodiscard]] std::optional<std::vector<std::int64_t>> ParsePythonInts(std::string_view text);
// repr() of a string.
[[nodiscard]] std::string PythonQuoted(std::string_view text);

}  // namespace headroom
