// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <string>
#include <utility>
#include <vector>

namespace YAML {
class Node;
}

namespace headroom {

// Loads a YAML file. Throws ConfigError with file and line; tabs, the commonest mistake, are named.
[[nodiscard]] YAML::Node LoadYaml(const std::string& path);
// The same from text that came from `name` (for messages).
[[nodiscard]] YAML::Node ParseYaml(const std::string& text, const std::string& name);

// A scalar or a list of scalars, typed as Python's YAML types them.
[[nodiscard]] OptionValue ToOptionValue(const YAML::Node& node);
// Top-level keys and values in file order.
[[nodiscard]] std::vector<std::pair<std::string, OptionValue>> ReadOptionsYaml(
    const std::string& path);

}  // namespace headroom
