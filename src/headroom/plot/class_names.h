// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace headroom {

// The class' name, or its number where there is none.
[[nodiscard]] inline std::string ClassLabel(std::span<const std::string> names, std::size_t id) {
  return id < names.size() && !names[id].empty() ? names[id] : std::to_string(id);
}

}  // namespace headroom
