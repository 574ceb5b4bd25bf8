// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <string>
#include <string_view>

namespace headroom {

// One `key: value` entry of a block mapping with its newline, exactly as PyYAML 6 prints it with
// allow_unicode, unsorted, block style, 80 columns: floats as 1.0e-05, null, true, lists as `-
// item` rows, strings quoted where their plain form would read back as something else, long ones
// folded.
[[nodiscard]] std::string ToYamlEntry(std::string_view key, const OptionValue& value);
// The entries of a dict, one after the other.
[[nodiscard]] std::string ToYaml(const OptionValue::Dict& entries);

}  // namespace headroom
