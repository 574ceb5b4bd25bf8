// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// One option that somebody has set.
struct Override {
  std::string key;
  OptionValue value;
};

// The value of the last override of a key; null where there is none.
[[nodiscard]] const OptionValue* Find(std::span<const Override> overrides, std::string_view key);
// Sets a key's value where it stands, or appends it.
void Set(std::string_view key, OptionValue value, std::vector<Override>* overrides);

}  // namespace headroom
