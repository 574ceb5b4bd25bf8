// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/override.h"

#include <algorithm>
#include <utility>

namespace headroom {

const OptionValue* Find(std::span<const Override> overrides, std::string_view key) {
  const auto found = std::find_if(overrides.rbegin(), overrides.rend(),
                                  [&](const Override& option) { return option.key == key; });
  return found == overrides.rend() ? nullptr : &found->value;
}

void Set(std::string_view key, OptionValue value, std::vector<Override>* overrides) {
  const auto found = std::find_if(overrides->begin(), overrides->end(),
                                  [&](const Override& option) { return option.key == key; });
  if (found != overrides->end()) {
    found->value = std::move(value);
  } else {
    overrides->push_back({std::string(key), std::move(value)});
  }
}

}  // namespace headroom
