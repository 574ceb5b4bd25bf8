// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

struct YamlEntry;

// A YAML node that knows its line, so that errors can name it.
struct YamlTree {
  enum class Kind { kScalar, kList, kDict };
  Kind kind = Kind::kScalar;
  int line = 0;                    // From 1.
  std::string text;                // kScalar: as written, without quotes.
  OptionValue value;               // kScalar: typed by YAML 1.1's rules, and 1e-3 is a number too.
  std::vector<YamlTree> items;     // kList
  std::vector<YamlEntry> entries;  // kDict; a key given twice counts once, the later.

  [[nodiscard]] bool IsScalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool IsList() const { return kind == Kind::kList; }
  [[nodiscard]] bool IsDict() const { return kind == Kind::kDict; }
  [[nodiscard]] bool IsNull() const { return IsScalar() && value.is_null(); }
  // The entry of a dict, or null where there is none.
  [[nodiscard]] const YamlTree* Find(std::string_view key) const;
  // The whole tree without lines.
  [[nodiscard]] OptionValue ToValue() const;
};

struct YamlEntry {
  std::string key;
  YamlTree value;
};

// Parses the first document of a text; `file` is what errors call it. Control characters and a byte
// order mark are dropped. Throws ConfigError "file:line: what" for broken YAML, tabs as
// indentation, tags that name types, and trees that are too deep or too large for a configuration
// file.
[[nodiscard]] YamlTree ParseYaml(std::string_view text, const std::string& file);
// The text of a YAML file; throws ConfigError when it cannot be read or is too large for one.
[[nodiscard]] std::string ReadText(const std::filesystem::path& path);
// Both.
[[nodiscard]] YamlTree ReadYaml(const std::filesystem::path& path);

}  // namespace headroom
