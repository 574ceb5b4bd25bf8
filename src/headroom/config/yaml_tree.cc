// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/yaml_tree.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr std::size_t kMaxFileBytes = 64U << 20;
constexpr std::size_t kMaxNodes = 2'000'000;  // Aliases can make a small file a huge tree.
constexpr int kMaxDepth = 64;

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

OptionValue PlainScalar(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return {};
  if (IsOneOf(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (IsOneOf(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}))
    return false;
  // Only numbers are taken from the literal: a plain [1] or 'x' cannot reach here.
  const OptionValue number = OptionValue::Parse(text);
  return number.is_number() ? number : OptionValue(text);
}

std::string WithoutControlCharacters(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string kept;
  kept.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 ? byte != 0x7F : (c == '\n' || c == '\r' || c == '\t')) kept += c;
  }
  return kept;
}

void RejectTabs(std::string_view text, const std::string& file) {
  int line = 0;
  for (const std::string_view row : Split(text, '\n')) {
    ++line;
    const auto content = row.find_first_not_of(" \t\r");
    if (content == std::string_view::npos || row[content] == '#') continue;
    if (row.substr(0, content).find('\t') == std::string_view::npos) continue;
    throw ConfigError(
        fmt::format("{}:{}: the line is indented with a tab, YAML allows spaces only; replace the "
                    "tab by spaces",
                    file, line));
  }
}

class Converter {
 public:
  explicit Converter(const std::string& file) : file_(file) {}

  YamlTree Convert(const YAML::Node& node, int depth) {
    YamlTree converted;
    converted.line = std::max(node.Mark().line, 0) + 1;  // -1 for an empty file.
    if (++count_ > kMaxNodes || depth > kMaxDepth) {
      Fail(converted.line, "the file is too deep or too large for a configuration file");
    }
    CheckTag(node, converted.line);
    switch (node.Type()) {
      case YAML::NodeType::Sequence:
        converted.kind = YamlTree::Kind::kList;
        for (const YAML::Node& item : node) converted.items.push_back(Convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        converted.kind = YamlTree::Kind::kDict;
        for (const auto& entry : node)
          Insert(entry.first, Convert(entry.second, depth + 1), &converted);
        break;
      case YAML::NodeType::Scalar:
        converted.text = node.Scalar();
        converted.value =
            node.Tag() == "?" ? PlainScalar(converted.text) : OptionValue(converted.text);
        break;
      default:
        break;
    }
    return converted;
  }

 private:
  void Insert(const YAML::Node& key, YamlTree value, YamlTree* dict) {
    const int line = key.Mark().line + 1;
    if (!key.IsScalar()) Fail(line, "a key must be one word or number");
    // An entry's line is its key's: a nested value starts lower.
    value.line = line;
    for (auto& [name, old] : dict->entries) {
      if (name == key.Scalar()) {
        old = std::move(value);
        return;
      }
    }
    dict->entries.push_back({key.Scalar(), std::move(value)});
  }

  void CheckTag(const YAML::Node& node, int line) {
    const std::string& tag = node.Tag();
    if (IsOneOf(tag, {"", "?", "!", "tag:yaml.org,2002:str"})) return;
    Fail(line, fmt::format("the tag '{}' is not allowed; write the plain value", tag));
  }

  [[noreturn]] void Fail(int line, const std::string& text) const {
    throw ConfigError(fmt::format("{}:{}: {}", file_, line, text));
  }

  const std::string& file_;
  std::size_t count_ = 0;
};

}  // namespace

const YamlTree* YamlTree::Find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

OptionValue YamlTree::ToValue() const {
  if (IsScalar()) return value;
  if (IsList()) {
    OptionValue::List list;
    for (const YamlTree& item : items) list.push_back(item.ToValue());
    return list;
  }
  OptionValue::Dict dict;
  for (const auto& [key, entry] : entries) dict.emplace_back(key, entry.ToValue());
  return dict;
}

YamlTree ParseYaml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxFileBytes) {
    throw ConfigError(fmt::format("{}: {} MB is too large for a configuration file", file,
                                  text.size() / 1'000'000));
  }
  const std::string clean = WithoutControlCharacters(text);
  RejectTabs(clean, file);
  try {
    return Converter(file).Convert(YAML::Load(clean), 0);
  } catch (const YAML::Exception& error) {
    throw ConfigError(fmt::format("{}:{}: this is no valid YAML: {} (column {})", file,
                                  error.mark.line + 1, error.msg, error.mark.column + 1));
  }
}

std::string ReadText(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > kMaxFileBytes) {
    throw ConfigError(
        fmt::format("{}: {} MB is too large for a YAML file", path.string(), size / 1'000'000));
  }
  Result<std::string> text = ReadFile(path);
  if (!text) throw ConfigError(text.error());
  return *std::move(text);
}

YamlTree ReadYaml(const std::filesystem::path& path) {
  return ParseYaml(ReadText(path), path.string());
}

}  // namespace headroom
