// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// Where runs, weights and data sets lie by default, as the reference's settings.json says. It is
// written by `yolo settings` alone.
struct Settings {
  std::filesystem::path runs_dir;  // All absolute.
  std::filesystem::path weights_dir;
  std::filesystem::path datasets_dir;
  std::filesystem::path file;         // What was read; empty where there is no such file.
  std::vector<std::string> warnings;  // A settings file that cannot be read is no error.
};

// Reads $YOLO_CONFIG_DIR/Ultralytics/settings.json, else $YOLO_CONFIG_DIR/settings.json; without
// the variable Ultralytics/settings.json in $XDG_CONFIG_HOME, ~/.config or, on a Mac, Application
// Support. Relative folders are relative to the working folder; what is missing is runs, weights
// and datasets in it. Never throws.
[[nodiscard]] Settings ReadSettings();

// `yolo settings WORDS`: runs_dir=, weights_dir= and datasets_dir= go into the file that
// ReadSettings reads, as typed, or into a new one in the first of its places; `reset` takes the
// three back to their defaults. What else is in the file stays. Returns a line for each change.
// Throws ConfigError for other words and for a file that is no JSON object, and WriteError.
[[nodiscard]] std::vector<std::string> ChangeSettings(std::span<const std::string> words);

}  // namespace headroom
