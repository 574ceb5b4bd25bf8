// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <optional>
#include <string_view>

namespace headroom {

// Reads one Python literal that spans the whole text: None, True, False, int (12, -3, 0x10, 0b1,
// 0o7, 1_000), float (.5, 5., 1e-3), quoted string (with escapes, r'' and u''), list and tuple
// (both become a list; `1,2` is a tuple). Nothing for any other text, for dicts, sets, bytes and
// complex numbers, for ints beyond 64 bits and for sequences nested more than 8 deep. Never
// evaluates.
[[nodiscard]] std::optional<OptionValue> ParsePythonLiteral(std::string_view text);

}  // namespace headroom
