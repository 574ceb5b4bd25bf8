// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/settings.h"

#include "headroom/core/file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace headroom {
namespace {

namespace fs = std::filesystem;

fs::path Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

std::vector<fs::path> Candidates() {
  const fs::path relative = fs::path("Ultralytics") / "settings.json";
  const fs::path own = Environment("YOLO_CONFIG_DIR");
  if (!own.empty()) return {own / relative, own / "settings.json"};
  std::vector<fs::path> candidates;
  const fs::path xdg = Environment("XDG_CONFIG_HOME");
  const fs::path home = Environment("HOME");
  if (!xdg.empty()) candidates.push_back(xdg / relative);
  if (!home.empty()) candidates.push_back(home / ".config" / relative);
  if (!home.empty()) candidates.push_back(home / "Library" / "Application Support" / relative);
  return candidates;
}

void Apply(const nlohmann::json& json, const char* key, const fs::path& working_folder,
           fs::path* folder) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string() || found->get<std::string>().empty()) return;
  *folder = (working_folder / found->get<std::string>()).lexically_normal();
}

}  // namespace

Settings ReadSettings() {
  std::error_code ignored;
  const fs::path working_folder = fs::current_path(ignored);
  Settings settings{.runs_dir = working_folder / "runs",
                    .weights_dir = working_folder / "weights",
                    .datasets_dir = working_folder / "datasets",
                    .file = {},
                    .warnings = {}};
  for (const fs::path& candidate : Candidates()) {
    if (!fs::is_regular_file(candidate, ignored)) continue;
    const Result<std::string> text = ReadFile(candidate);
    const nlohmann::json json =
        text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
    if (!json.is_object()) {
      settings.warnings.push_back(fmt::format("{}: {}; default folders are used",
                                              candidate.string(),
                                              text ? "this is no JSON object" : text.error()));
      return settings;
    }
    settings.file = candidate;
    Apply(json, "runs_dir", working_folder, &settings.runs_dir);
    Apply(json, "weights_dir", working_folder, &settings.weights_dir);
    Apply(json, "datasets_dir", working_folder, &settings.datasets_dir);
    return settings;
  }
  return settings;
}

}  // namespace headroom
