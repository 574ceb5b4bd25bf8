// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/settings.h"

#include <string>

namespace headroom {

// `yolo help`: what there is, and the commands to start with.
[[nodiscard]] std::string HelpText();
// `yolo help train`: every option with default, unit and meaning, by group. Made from the one
// table.
[[nodiscard]] std::string OptionsHelp();
// `yolo cfg`: every option's default as YAML with its meaning; a valid cfg= file.
[[nodiscard]] std::string DefaultsYaml();
// `yolo settings`: where things lie, and which file says so.
[[nodiscard]] std::string SettingsText(const Settings& settings);

// What to type when a mode was called without data= or source=.
[[nodiscard]] std::string MissingDataText(const std::string& mode);
[[nodiscard]] std::string MissingSourceText();

}  // namespace headroom
