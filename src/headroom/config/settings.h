// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// Where runs, weights and data sets lie by default: the reference's settings.json, read and never
// written.
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

}  // namespace headroom
