// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>

namespace headroom {

// What to tell a user whose classes= names numbers that the model does not have, with the classes
// that it has; nothing when it has them all.
[[nodiscard]] std::optional<std::string> UnknownClassesText(std::span<const int> classes,
                                                            std::span<const std::string> names);
// Says it as a warning.
void WarnOfUnknownClasses(std::span<const int> classes, std::span<const std::string> names);

}  // namespace headroom
