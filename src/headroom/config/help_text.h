// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/settings.h"

#include <span>
#include <string>
#include <string_view>

namespace headroom {

// `yolo help`: what there is, and the commands to start with.
[[nodiscard]] std::string HelpText();
// `yolo help COMMAND [SUB]` and `yolo COMMAND [SUB] --help`: usage, examples, and the options that
// the command reads, with default, unit and meaning, from the one table. Arguments of a command
// among the words (name=value, --switches, folders) are passed over; no words are HelpText. Throws
// ConfigError for what is no command, with the nearest that are.
[[nodiscard]] std::string HelpFor(std::span<const std::string> words);
// How a command ("memory plan") is typed, for its errors; no newline at the end.
[[nodiscard]] std::string UsageOf(std::string_view command);
// `yolo cfg`: every option's default as YAML with its meaning; a valid cfg= file.
[[nodiscard]] std::string DefaultsYaml();
// `yolo settings`: where things lie, and which file says so.
[[nodiscard]] std::string SettingsText(const Settings& settings);

// What to type when a mode was called without data= or source=.
[[nodiscard]] std::string MissingDataText(const std::string& mode);
[[nodiscard]] std::string MissingSourceText();

}  // namespace headroom
