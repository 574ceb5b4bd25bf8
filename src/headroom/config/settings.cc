// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/settings.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>

namespace headroom {
namespace {

namespace fs = std::filesystem;

fs::path ConfigFolder() {
  if (const char* folder = std::getenv("YOLO_CONFIG_DIR")) return folder;
  if (const char* folder = std::getenv("XDG_CONFIG_HOME")) return fs::path(folder) / "Ultralytics";
  if (const char* home = std::getenv("HOME")) return fs::path(home) / ".config" / "Ultralytics";
  return {};
}

}  // namespace

Settings ReadSettings() {
  Settings settings;
  settings.datasets_dir = fs::current_path().parent_path() / "datasets";
  for (const fs::path& file :
       {ConfigFolder() / "settings.json", ConfigFolder() / "Ultralytics" / "settings.json"}) {
    if (!fs::is_regular_file(file)) continue;
    Result<std::string> text = ReadFile(file);
    if (!text) throw ConfigError(text.error());
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (!json.is_object())
      throw ConfigError(fmt::format("{} is no valid JSON; correct or remove it", file.string()));
    settings.file = file;
    const auto read = [&](const char* key, fs::path* path) {
      if (json.contains(key) && json[key].is_string()) *path = json[key].get<std::string>();
    };
    read("runs_dir", &settings.runs_dir);
    read("weights_dir", &settings.weights_dir);
    read("datasets_dir", &settings.datasets_dir);
    break;
  }
  return settings;
}

}  // namespace headroom
