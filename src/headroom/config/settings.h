// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace headroom {

// Where things lie by default: read from the reference's settings.json where it is present
// (YOLO_CONFIG_DIR honoured), never written.
struct Settings {
  std::filesystem::path file;  // Empty: no settings file, defaults.
  std::filesystem::path runs_dir = "runs";
  std::filesystem::path weights_dir = "weights";
  std::filesystem::path datasets_dir;
};

// Throws ConfigError when the file is there but is no JSON.
[[nodiscard]] Settings ReadSettings();

}  // namespace headroom
