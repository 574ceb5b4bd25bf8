// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/settings.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

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

// The settings that are used here, each with the name of its default folder.
struct FolderSetting {
  const char* key;
  const char* initial;
  fs::path Settings::* folder;
};
constexpr std::array kFolders = {
    FolderSetting{"runs_dir", "runs", &Settings::runs_dir},
    FolderSetting{"weights_dir", "weights", &Settings::weights_dir},
    FolderSetting{"datasets_dir", "datasets", &Settings::datasets_dir},
};

void Apply(const nlohmann::json& json, const char* key, const fs::path& working_folder,
           fs::path* folder) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string() || found->get<std::string>().empty()) return;
  *folder = (working_folder / found->get<std::string>()).lexically_normal();
}

using Change = std::pair<std::string, std::string>;
// Keeps the order of a file's keys.
using OrderedJson = nlohmann::ordered_json;

Change ParseChange(const std::string& word) {
  constexpr const char* kAllowed =
      "what can be set is runs_dir=, weights_dir= and datasets_dir=, and `yolo settings reset` "
      "takes them back to their defaults";
  const std::size_t equals = word.find('=');
  const std::string key(Trim(word.substr(0, equals)));
  const bool known = std::any_of(kFolders.begin(), kFolders.end(),
                                 [&](const FolderSetting& one) { return one.key == key; });
  if (!known)
    throw ConfigError(fmt::format("settings: '{}' is no setting here; {}", key, kAllowed));
  const std::string value(
      equals == std::string::npos ? "" : Trim(std::string_view(word).substr(equals + 1)));
  if (value.empty()) {
    throw ConfigError(
        fmt::format("settings: {}= needs a folder, for example {}=/data/{}", key, key, key));
  }
  return {key, value};
}

// The file that is read, or the one to begin with where there is none.
fs::path FileToWrite() {
  const std::vector<fs::path> candidates = Candidates();
  if (candidates.empty()) {
    throw ConfigError(
        "settings: there is no home folder to keep them in; name a folder in the environment: "
        "YOLO_CONFIG_DIR=FOLDER");
  }
  std::error_code ignored;
  for (const fs::path& candidate : candidates) {
    // Behind a link lies what is to be written.
    if (fs::is_regular_file(candidate, ignored)) return fs::canonical(candidate, ignored);
  }
  return candidates.front();
}

OrderedJson ReadForChange(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return OrderedJson::object();
  const Result<std::string> text = ReadFile(file);
  OrderedJson json = text ? OrderedJson::parse(*text, nullptr, false) : OrderedJson();
  if (json.is_object()) return json;
  throw ConfigError(fmt::format("settings: {}: {}; mend it or remove it", file.string(),
                                text ? "this is no JSON object" : text.error()));
}

// New files get no more permissions than this one has: the reference keeps keys of services in it.
class PermissionsOf {
 public:
  explicit PermissionsOf(const fs::path& file) {
    struct stat info{};
    if (::stat(file.c_str(), &info) == 0) old_mask_ = ::umask(~info.st_mode & 0777);
  }
  ~PermissionsOf() {
    if (old_mask_) ::umask(*old_mask_);
  }
  PermissionsOf(const PermissionsOf&) = delete;
  PermissionsOf& operator=(const PermissionsOf&) = delete;

 private:
  std::optional<mode_t> old_mask_;
};

std::vector<std::string> Write(std::span<const Change> changes) {
  const fs::path file = FileToWrite();
  OrderedJson json = ReadForChange(file);
  std::vector<std::string> lines;
  for (const auto& [key, value] : changes) {
    json[key] = value;
    lines.push_back(fmt::format("Updated '{}={}'", key, value));
  }
  std::string text;
  try {
    text = json.dump(2);
  } catch (const OrderedJson::type_error&) {
    throw ConfigError("settings: a folder's name is no valid UTF-8, which the file must be");
  }
  std::error_code error;
  if (!file.parent_path().empty()) fs::create_directories(file.parent_path(), error);
  if (error) {
    throw WriteError(
        fmt::format("cannot make the folder {}: {}", file.parent_path().string(), error.message()));
  }
  const PermissionsOf as_before(file);
  WriteFileAtomic(file, text + "\n");
  return lines;
}

// The names of the default folders mean the same as no key, and the file keeps its keys for other
// programs that read it.
std::vector<std::string> Reset() {
  const fs::path file = FileToWrite();
  const OrderedJson json = ReadForChange(file);
  std::vector<Change> changes;
  for (const FolderSetting& one : kFolders) {
    if (json.contains(one.key)) changes.emplace_back(one.key, one.initial);
  }
  if (!changes.empty()) (void)Write(changes);
  return {"Settings reset: runs_dir, weights_dir and datasets_dir are in the working folder again"};
}

}  // namespace

Settings ReadSettings() {
  std::error_code ignored;
  const fs::path working_folder = fs::current_path(ignored);
  Settings settings;
  for (const FolderSetting& one : kFolders) settings.*one.folder = working_folder / one.initial;
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
    for (const FolderSetting& one : kFolders)
      Apply(json, one.key, working_folder, &(settings.*one.folder));
    return settings;
  }
  return settings;
}

std::vector<std::string> ChangeSettings(std::span<const std::string> words) {
  if (words.size() == 1 && words[0] == "reset") return Reset();
  std::vector<Change> changes;
  for (const std::string& word : words) changes.push_back(ParseChange(word));
  if (changes.empty()) return {};
  return Write(changes);
}

}  // namespace headroom
