// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/yaml_file.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace headroom {
namespace {

// 1-based line of the first indentation with a tab, or 0.
int LineWithTab(const std::string& text) {
  int line = 1;
  bool indentation = true;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      indentation = true;
    } else if (c == '\t' && indentation) {
      return line;
    } else if (c != ' ') {
      indentation = false;
    }
  }
  return 0;
}

}  // namespace

YAML::Node ParseYaml(const std::string& text, const std::string& name) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    if (const int line = LineWithTab(text); line > 0) {
      throw ConfigError(fmt::format(
          "{}:{}: a tab in the indentation; YAML allows spaces only: replace it by spaces", name,
          line));
    }
    throw ConfigError(
        fmt::format("{}:{}: not valid YAML: {}", name, error.mark.line + 1, error.msg));
  }
}

YAML::Node LoadYaml(const std::string& path) {
  Result<std::string> text = ReadFile(path);
  if (!text) throw ConfigError(text.error());
  return ParseYaml(*text, path);
}

OptionValue ToOptionValue(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return {};
  if (node.IsSequence()) {
    OptionValue::List list;
    for (const YAML::Node& item : node) list.push_back(ToOptionValue(item));
    return list;
  }
  if (!node.IsScalar()) return OptionValue(YAML::Dump(node));
  // A quoted scalar is text whatever it looks like.
  if (node.Tag() == "!") return OptionValue(node.Scalar());
  const OptionValue value = OptionValue::Parse(node.Scalar());
  return value.is_list() ? OptionValue(node.Scalar()) : value;
}

std::vector<std::pair<std::string, OptionValue>> ReadOptionsYaml(const std::string& path) {
  const YAML::Node root = LoadYaml(path);
  if (!root.IsMap()) throw ConfigError(fmt::format("{} holds no `key: value` lines", path));
  std::vector<std::pair<std::string, OptionValue>> options;
  for (const auto& entry : root)
    options.emplace_back(entry.first.as<std::string>(), ToOptionValue(entry.second));
  return options;
}

}  // namespace headroom
