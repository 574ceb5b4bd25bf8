// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/command_line.h"

#include "headroom/config/deprecated_options.h"
#include "headroom/config/help_text.h"
#include "headroom/config/option_table.h"
#include "headroom/config/word_merger.h"
#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>

namespace headroom {
namespace {

constexpr std::array kOwnCommands = {"memory", "monitor", "data"};
constexpr std::array kModes = {"train", "val", "predict", "export"};
constexpr std::array kOtherModes = {"track", "benchmark"};
constexpr std::array kOtherTasks = {"segment", "classify", "pose", "obb", "semantic", "depth"};
constexpr std::array kSpecialWords = {"help", "version", "checks", "settings", "cfg", "copy-cfg"};
constexpr std::array kElsewhere = {"hub", "login", "logout", "solutions"};

template <typename Words>
bool IsIn(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The special word that a word stands for: itself, its singular, with dashes, -h and -v.
std::string SpecialWord(std::string_view word) {
  const bool dashed = word.starts_with('-');
  while (word.starts_with('-')) word.remove_prefix(1);
  if (dashed && word == "h") return "help";
  if (dashed && word == "v") return "version";
  for (const std::string_view special : kSpecialWords) {
    const bool singular = special.ends_with('s') && word == special.substr(0, special.size() - 1);
    if (word == special || singular) return std::string(special);
  }
  return "";
}

bool IsHelpFlag(std::string_view word) {
  return word.starts_with('-') && SpecialWord(word) == "help";
}

// `yolo COMMAND --help`, wherever it stands, and `yolo memory help`: help on the other words.
std::optional<ParsedCommand> FindHelp(std::span<const std::string> words) {
  const bool behind_own = words.size() == 2 && IsIn(kOwnCommands, words[0]) && words[1] == "help";
  if (!behind_own && std::none_of(words.begin(), words.end(), IsHelpFlag)) return std::nullopt;
  ParsedCommand help;
  help.special = "help";
  std::copy_if(words.begin(), words.end(), std::back_inserter(help.arguments),
               [](const std::string& word) { return word != "help" && !IsHelpFlag(word); });
  return help;
}

// Words that nothing would read.
void RefuseLeftOver(const ParsedCommand& command) {
  const std::string& special = command.special;
  if (special == "help" || special == "settings" || command.arguments.empty()) return;
  throw ConfigError(fmt::format(
      "`yolo {}` takes no other words; left over: {}{}", special, Join(command.arguments, " "),
      special == "cfg" ? " (options are read from a file by yolo detect train cfg=FILE.yaml)"
                       : ""));
}

bool IsGiven(std::span<const Override> options, std::string_view key) {
  const OptionValue* value = Find(options, key);
  return value != nullptr && !value->is_null();
}

// False, None and absent are the ways to say no.
bool IsTruthy(std::span<const Override> options, std::string_view key) {
  const OptionValue* value = Find(options, key);
  return value != nullptr && !value->is_null() && (!value->is_bool() || value->AsBool());
}

// What an unknown name could have meant, with defaults.
std::string NearestText(const std::string& name) {
  std::vector<std::string> candidates;
  for (const OptionInfo& spec : OptionTable()) candidates.emplace_back(spec.name);
  candidates.insert(candidates.end(), kModes.begin(), kModes.end());
  candidates.insert(candidates.end(), kSpecialWords.begin(), kSpecialWords.end());
  // `data` and `memory` are options too.
  std::copy_if(kOwnCommands.begin(), kOwnCommands.end(), std::back_inserter(candidates),
               [](std::string_view word) { return FindOption(word) == nullptr; });
  candidates.emplace_back("detect");
  std::string text;
  for (const std::string& nearest : Nearest(name, candidates)) {
    const OptionInfo* spec = FindOption(nearest);
    text += (text.empty() ? "" : ", ");
    text += nearest;
    if (spec == nullptr || IsIn(kModes, nearest)) continue;
    text += fmt::format("={}", spec->initial == "None" ? "" : spec->initial);
  }
  return text;
}

std::string UnknownText(const std::string& word, const std::string& where) {
  const std::string name(Trim(word.substr(0, word.find('='))));
  const std::string shown = fmt::format("{}'{}' is not an option", where, name);
  const bool is_bare = word.find('=') == std::string::npos;
  for (const char* ending : {".pt", ".onnx", ".torchscript"}) {
    if (is_bare && name.ends_with(ending))
      return fmt::format("{}; did you mean model={}?", shown, name);
  }
  if (is_bare && (name.ends_with(".yaml") || name.ends_with(".yml"))) {
    return fmt::format("{}; did you mean data={} or model={}?", shown, name, name);
  }
  const std::string nearest = NearestText(name);
  return nearest.empty() ? shown : fmt::format("{}; the nearest are {}", shown, nearest);
}

class CommandParser {
 public:
  enum class Grammar { kWhole, kArguments };

  explicit CommandParser(Grammar grammar) : grammar_(grammar) {}

  ParsedCommand Parse(std::span<const std::string> words) {
    const std::vector<std::string> merged = MergeWords(words);
    for (std::size_t i = 0; i < merged.size(); ++i) {
      if (!TakeSpecial(merged, i)) TakeWord(merged[i]);
      if (!command_.special.empty()) return std::move(command_);
    }
    if (!unknown_.empty()) {
      const OptionValue* typed = Find(typed_, "mode");
      const std::string mode = typed == nullptr ? "" : typed->ToText();
      throw ConfigError(fmt::format("{}\n`yolo help {}` lists the options.", Join(unknown_, "\n"),
                                    IsIn(kModes, mode) ? mode : "train"));
    }
    std::vector<Override> options = std::move(file_options_);
    for (auto& [key, value] : typed_) Set(key, std::move(value), &options);
    command_.overrides = ReplaceDeprecated(std::move(options), &command_.warnings);
    SettleMode();
    if (grammar_ == Grammar::kWhole) FillDefaults();
    WarnOfUnused();
    return std::move(command_);
  }

 private:
  bool TakeSpecial(const std::vector<std::string>& words, std::size_t at) {
    if (grammar_ == Grammar::kArguments) return false;
    const std::string special = SpecialWord(words[at]);
    if (special.empty()) return false;
    command_.special = special;
    command_.arguments = words;
    command_.arguments.erase(command_.arguments.begin() + static_cast<std::ptrdiff_t>(at));
    RefuseLeftOver(command_);
    return true;
  }

  void TakeWord(std::string word) {
    const auto warn = [&](std::string_view what, const std::string& fixed) {
      command_.warnings.push_back(fmt::format("'{}' needs no {}; read as '{}'", word, what, fixed));
      word = fixed;
    };
    if (word.starts_with("--")) warn("leading dashes", word.substr(2));
    if (word.ends_with(',')) warn("comma at its end", word.substr(0, word.size() - 1));
    if (word.find('=') != std::string::npos) return TakePair(word);
    if (word == "detect") return Set("task", OptionValue(word), &typed_);
    if (IsIn(kModes, word)) return Set("mode", OptionValue(word), &typed_);
    RejectOthers(word);
    const OptionInfo* spec = FindOption(word);
    if (IsDeprecatedSwitch(word) || (spec != nullptr && IsSwitch(*spec)))
      return Set(word, OptionValue(true), &typed_);
    if (spec == nullptr) {
      unknown_.push_back(UnknownText(word, ""));
      return;
    }
    throw ConfigError(fmt::format("{} needs a value: {}; for example {}={}", word,
                                  AllowedText(*spec), word,
                                  spec->initial == "None" ? "..." : spec->initial));
  }

  static bool IsSwitch(const OptionInfo& spec) {
    return spec.type == OptionType::kBool || spec.Default().is_bool();
  }

  static void RejectOthers(const std::string& word) {
    if (IsIn(kOtherTasks, word)) {
      throw ConfigError(fmt::format("{}: this program detects; the only task is detect", word));
    }
    if (IsIn(kOtherModes, word) || IsIn(kElsewhere, word)) {
      throw ConfigError(fmt::format(
          "{} is not part of this program; there are train, val, predict and export", word));
    }
  }

  void TakePair(const std::string& word) {
    const auto equals = word.find('=');
    const std::string key(Trim(std::string_view(word).substr(0, equals)));
    const std::string_view text = Trim(std::string_view(word).substr(equals + 1));
    const OptionInfo* spec = FindOption(key);
    if (key.empty()) throw ConfigError(fmt::format("'{}': the name before = is missing", word));
    if (spec == nullptr && !IsDeprecatedOption(key)) {
      unknown_.push_back(UnknownText(word, ""));
      return;
    }
    if (text.empty()) {
      throw ConfigError(
          fmt::format("{}= has no value{}", key,
                      spec == nullptr ? "" : fmt::format(": {} is needed", AllowedText(*spec))));
    }
    if (key == "cfg") return ReadConfigFile(std::string(text));
    // Names of folders stay what was typed: 0x10 is a fine name.
    const bool verbatim = (key == "name" || key == "project") && ToLower(text) != "none";
    Set(key, verbatim ? OptionValue(text) : OptionValue::Parse(text), &typed_);
  }

  void ReadConfigFile(const std::string& file) {
    const YamlTree tree = ReadYaml(file);
    if (!tree.IsDict())
      throw ConfigError(fmt::format("{}: options are needed, one `name: value` a line", file));
    for (const auto& [key, node] : tree.entries) {
      // A run's args.yaml is a fine cfg file.
      if (key == "save_dir" || key == "cfg") continue;
      if (FindOption(key) == nullptr && !IsDeprecatedOption(key)) {
        unknown_.push_back(UnknownText(key + "=", fmt::format("{}:{}: ", file, node.line)));
        continue;
      }
      Set(key, node.ToValue(), &file_options_);
    }
  }

  void SettleMode() {
    const bool named = Find(command_.overrides, "mode") != nullptr;
    command_.task = TakeChoice("task");
    command_.mode = TakeChoice("mode");
    if (named || grammar_ == Grammar::kArguments) return;
    command_.warnings.emplace_back(
        "no mode was named (train, val, predict, export); train is meant");
  }

  // The checked value of `task` or `mode`, or its default; the override goes.
  std::string TakeChoice(std::string_view key) {
    const OptionInfo& option = *FindOption(key);
    const OptionValue* typed = Find(command_.overrides, key);
    const OptionValue value = typed == nullptr ? option.Default() : *typed;
    if (value.is_string()) RejectOthers(value.AsString());
    const Result<OptionValue> checked = CheckOption(option, value);
    if (!checked) throw ConfigError(checked.error());
    std::erase_if(command_.overrides, [&](const Override& one) { return one.key == key; });
    return checked->AsString();
  }

  void FillDefaults() {
    std::vector<Override>& options = command_.overrides;
    const bool resumes = command_.mode == "train" && IsTruthy(options, "resume");
    if (command_.mode == "train" && !resumes && !IsGiven(options, "data"))
      throw ConfigError(MissingDataText(command_.mode));
    if (command_.mode == "predict" && !IsGiven(options, "source"))
      throw ConfigError(MissingSourceText());
    if (!IsGiven(options, "model") && !resumes) {
      command_.warnings.emplace_back("no model was named; model=yolo26n.pt is meant");
      Set("model", OptionValue("yolo26n.pt"), &options);
    }
  }

  void WarnOfUnused() {
    for (const auto& [key, value] : command_.overrides) {
      const OptionInfo* spec = FindOption(key);
      if (spec == nullptr || spec->unused.empty() || value == spec->Default()) continue;
      command_.warnings.push_back(
          fmt::format("{} is accepted but has no effect: {}", key, spec->unused));
    }
  }

  Grammar grammar_;
  ParsedCommand command_;
  std::vector<Override> file_options_;
  std::vector<Override> typed_;
  std::vector<std::string> unknown_;
};

}  // namespace

ParsedCommand ParseCommandLine(std::span<const std::string> words) {
  ParsedCommand own;
  if (words.empty()) {
    own.special = "help";
    return own;
  }
  if (std::optional<ParsedCommand> help = FindHelp(words)) return *std::move(help);
  const bool is_option = words.size() > 1 && words[1].starts_with('=');
  if (IsIn(kOwnCommands, words[0]) && !is_option) {
    own.special = words[0];
    own.arguments.assign(words.begin() + 1, words.end());
    return own;
  }
  return CommandParser(CommandParser::Grammar::kWhole).Parse(words);
}

ParsedCommand ParseRunArguments(std::span<const std::string> words) {
  return CommandParser(CommandParser::Grammar::kArguments).Parse(words);
}

}  // namespace headroom
