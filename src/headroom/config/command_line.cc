// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/command_line.h"

#include "headroom/config/option_table.h"
#include "headroom/config/yaml_file.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace headroom {
namespace {

bool IsOneOf(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// `a = b`, `a= b` and `a =b` become `a=b`; words inside an unclosed [ are joined until ].
std::vector<std::string> MergeWords(std::span<const std::string> words) {
  std::vector<std::string> merged;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    if (word == "=" && !merged.empty() && has_next) {
      merged.back() += "=" + words[++i];
    } else if (word.size() > 1 && word.ends_with('=') && word.find('=') == word.size() - 1 &&
               has_next && words[i + 1].find('=') == std::string::npos) {
      merged.push_back(word + words[++i]);
    } else if (word.size() > 1 && word.starts_with('=') && !merged.empty() &&
               merged.back().find('=') == std::string::npos) {
      merged.back() += word;
    } else {
      merged.push_back(word);
    }
  }
  std::vector<std::string> joined;
  int depth = 0;
  for (const std::string& word : merged) {
    if (depth > 0) {
      joined.back() += word;
    } else {
      joined.push_back(word);
    }
    depth += static_cast<int>(std::count(word.begin(), word.end(), '[') -
                              std::count(word.begin(), word.end(), ']'));
  }
  if (depth > 0)
    throw ConfigError(
        fmt::format("'{}' opens a list with [ that nothing closes; add ]", joined.back()));
  return joined;
}

// Old names of options. Inverted ones turn True into False.
struct Deprecated {
  std::string_view replacement;  // Empty: dropped.
  bool inverted = false;
};
const std::map<std::string_view, Deprecated>& DeprecatedKeys() {
  static const std::map<std::string_view, Deprecated> keys = {
      {"boxes", {"show_boxes"}},
      {"hide_labels", {"show_labels", true}},
      {"hide_conf", {"show_conf", true}},
      {"line_thickness", {"line_width"}},
      {"label_smoothing", {}},
      {"save_hybrid", {}},
      {"crop_fraction", {}},
      {"keras", {}}};
  return keys;
}

class Parser {
 public:
  ParsedCommand Run(std::span<const std::string> words) {
    if (!words.empty() && IsOneOf(words[0], {"memory", "monitor", "data"})) {
      command_.special = words[0];
      command_.arguments.assign(words.begin() + 1, words.end());
      return std::move(command_);
    }
    for (std::string& word : MergeWords(words)) ReadWord(std::move(word));
    if (!unknown_.empty()) throw ConfigError(UnknownKeys());
    ApplyFile();
    return std::move(command_);
  }

 private:
  void ReadWord(std::string word) {
    if (word.ends_with(',')) {
      command_.warnings.push_back(
          fmt::format("'{}' has a comma at its end, which is ignored", word));
      word.pop_back();
    }
    std::string bare = word;
    bare.erase(0,
               bare.find_first_not_of('-') == std::string::npos ? 0 : bare.find_first_not_of('-'));
    if (bare != word && word.find('=') != std::string::npos) {
      command_.warnings.push_back(
          fmt::format("'{}' does not need leading dashes; read as '{}'", word, bare));
      word = bare;
    }
    if (const auto at = word.find('='); at != std::string::npos) {
      ReadAssignment(std::string(Trim(word.substr(0, at))), std::string(Trim(word.substr(at + 1))));
    } else if (!ReadKeyword(bare, word)) {
      ReadBareOption(word);
    }
  }

  bool ReadKeyword(const std::string& bare, const std::string& word) {
    if (IsOneOf(bare, {"help", "h", "checks", "version", "v", "settings", "setting", "cfg",
                       "copy-cfg"})) {
      command_.special = bare == "h"         ? "help"
                         : bare == "v"       ? "version"
                         : bare == "setting" ? "settings"
                                             : bare;
      return true;
    }
    if (IsOneOf(word, {"detect"})) {
      command_.task = word;
      return true;
    }
    if (IsOneOf(word, {"segment", "classify", "pose", "obb", "semantic", "depth"})) {
      throw ConfigError(fmt::format(
          "task '{}' is not what this trainer does; it trains detectors: yolo detect train ...",
          word));
    }
    if (IsOneOf(word, {"train", "val", "predict", "export"})) {
      command_.mode = word;
      return true;
    }
    if (IsOneOf(word, {"track", "benchmark"})) {
      throw ConfigError(
          fmt::format("mode '{}' is not offered; modes are train, val, predict and export", word));
    }
    return false;
  }

  void ReadBareOption(const std::string& word) {
    if (command_.special == "help" || command_.special == "settings") {
      command_.arguments.push_back(word);
      return;
    }
    const OptionInfo* option = FindOption(word);
    if (option == nullptr && IsOneOf(word, {"half", "int8", "end2end"})) {
      ReadAssignment(word, "True");
    } else if (option == nullptr) {
      unknown_.push_back(word);
    } else if (option->default_value.is_bool() || word == "nms") {
      Set(*option, OptionValue(true));
    } else {
      throw ConfigError(fmt::format("'{}' needs a value; for example {}={}", word, word,
                                    option->default_value.ToText()));
    }
  }

  void ReadAssignment(const std::string& key, const std::string& text) {
    if (text.empty())
      throw ConfigError(fmt::format("'{}=' has no value; write {}=VALUE", key, key));
    if (key == "cfg") {
      file_ = text;
      return;
    }
    const bool literal = key != "name" && key != "project";
    const OptionValue value =
        literal || ToLower(text) == "none" ? OptionValue::Parse(text) : OptionValue(text);
    Assign(key, value);
  }

  void Assign(const std::string& key, const OptionValue& value) {
    if (AssignOldPrecisionKey(key, value)) return;
    if (const auto old = DeprecatedKeys().find(key); old != DeprecatedKeys().end()) {
      AssignDeprecated(key, old->second, value);
      return;
    }
    const OptionInfo* option = FindOption(key);
    if (option == nullptr) {
      unknown_.push_back(key);
      return;
    }
    if (key == "task" || key == "mode") {
      (void)ReadKeyword(value.ToText(), value.ToText());
      return;
    }
    Set(*option, value);
  }

  // half, int8 and end2end live on in quantize and nms.
  bool AssignOldPrecisionKey(const std::string& key, const OptionValue& value) {
    if (!IsOneOf(key, {"half", "int8", "end2end"})) return false;
    const bool on = value.is_bool() && value.AsBool();
    if (key == "end2end") {
      command_.warnings.push_back("end2end= is the old word for nms=");
      Set(*FindOption("nms"), on ? OptionValue(false) : OptionValue());
      return true;
    }
    command_.warnings.push_back(
        fmt::format("{}= is the old word for quantize={}", key, key == "half" ? 16 : 8));
    if (on) Set(*FindOption("quantize"), OptionValue(key == "half" ? 16 : 8));
    return true;
  }

  void AssignDeprecated(const std::string& key, const Deprecated& old, const OptionValue& value) {
    if (old.replacement.empty()) {
      command_.warnings.push_back(fmt::format("{}= no longer does anything and is ignored", key));
      return;
    }
    command_.warnings.push_back(fmt::format("{}= is the old word for {}=", key, old.replacement));
    const OptionValue now = old.inverted && value.is_bool() ? OptionValue(!value.AsBool()) : value;
    Set(*FindOption(old.replacement), now);
  }

  void Set(const OptionInfo& option, OptionValue value) {
    value = CheckOption(option, std::move(value));
    if (option.owner == OptionOwner::kOtherTask && !(value == option.default_value)) {
      command_.warnings.push_back(
          fmt::format("{}= belongs to another task and is not used by detection", option.name));
    }
    for (Override& known : command_.overrides) {
      if (known.key != option.name) continue;
      known.value = std::move(value);
      return;
    }
    command_.overrides.push_back({std::string(option.name), std::move(value)});
  }

  // Keys of the file that the line does not set.
  void ApplyFile() {
    if (file_.empty()) return;
    std::vector<Override> line = std::exchange(command_.overrides, {});
    for (const auto& [key, value] : ReadOptionsYaml(file_)) {
      if (key == "task" || key == "mode" || key == "save_dir") continue;
      if (key == "name" && value.is_null()) continue;
      Assign(key, value);
    }
    if (!unknown_.empty()) throw ConfigError(fmt::format("{}: {}", file_, UnknownKeys()));
    for (Override& override : line) Set(*FindOption(override.key), std::move(override.value));
  }

  std::string UnknownKeys() const {
    std::vector<std::string> names;
    for (const OptionInfo& option : OptionTable()) names.emplace_back(option.name);
    std::string text;
    for (const std::string& key : unknown_) {
      std::string similar;
      for (const std::string& name : Nearest(key, names)) {
        similar += fmt::format("{}{}={}", similar.empty() ? "" : ", ", name,
                               FindOption(name)->default_value.ToText());
      }
      text += fmt::format("{}'{}' is not an option{}", text.empty() ? "" : "; ", key,
                          similar.empty() ? "" : ". Did you mean " + similar + "?");
    }
    return text + ". `yolo help train` lists all options";
  }

  ParsedCommand command_;
  std::string file_;
  std::vector<std::string> unknown_;
};

}  // namespace

const OptionValue* ParsedCommand::Find(const std::string& key) const {
  for (const Override& override : overrides) {
    if (override.key == key) return &override.value;
  }
  return nullptr;
}

ParsedCommand ParseCommandLine(std::span<const std::string> words) { return Parser().Run(words); }

}  // namespace headroom
