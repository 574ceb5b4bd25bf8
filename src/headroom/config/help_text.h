// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace headroom {

// Texts of `yolo help`, `yolo help train` (every option from the one table), and `yolo cfg` (the
// defaults as YAML).
[[nodiscard]] std::string HelpText();
[[nodiscard]] std::string OptionsHelp();
[[nodiscard]] std::string DefaultsYaml();
// What to type when `yolo detect train` is called without data.
[[nodiscard]] std::string MissingDataText(const std::string& mode);

}  // namespace headroom
