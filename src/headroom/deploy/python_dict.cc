// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/python_dict.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

namespace headroom {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool Take(char c) {
    SkipSpaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool AtEnd() {
    SkipSpaces();
    return at_ == text_.size();
  }
  // A quoted string without its quotes, or a bare word up to a separator.
  std::optional<std::string> Scalar() {
    SkipSpaces();
    if (at_ >= text_.size()) return std::nullopt;
    if (text_[at_] == '\'' || text_[at_] == '"') return Quoted(text_[at_++]);
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           std::string_view(",:{}[]() ").find(text_[at_]) == std::string_view::npos)
      ++at_;
    if (at_ == begin) return std::nullopt;
    return std::string(text_.substr(begin, at_ - begin));
  }

 private:
  void SkipSpaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  std::optional<std::string> Quoted(char quote) {
    std::string value;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c == quote) return value;
      if (c == '\\') {
        if (at_ == text_.size()) return std::nullopt;
        c = text_[at_++];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
      value.push_back(c);
    }
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<PythonDict> ParsePythonDict(std::string_view text) {
  Scanner scanner(text);
  PythonDict dict;
  if (!scanner.Take('{')) return std::nullopt;
  while (!scanner.Take('}')) {
    if (!dict.empty() && !scanner.Take(',')) return std::nullopt;
    const auto key = scanner.Scalar();
    if (!key || !scanner.Take(':')) return std::nullopt;
    const auto value = scanner.Scalar();
    if (!value) return std::nullopt;
    dict.emplace_back(*key, *value);
  }
  if (!scanner.AtEnd()) return std::nullopt;
  return dict;
}

std::optional<std::vector<std::int64_t>> ParsePythonInts(std::string_view text) {
  Scanner scanner(text);
  std::vector<std::int64_t> values;
  if (!scanner.Take('[')) return std::nullopt;
  while (!scanner.Take(']')) {
    if (!values.empty() && !scanner.Take(',')) return std::nullopt;
    const auto word = scanner.Scalar();
    std::int64_t value = 0;
    if (!word || !ParseInt(*word, &value)) return std::nullopt;
    values.push_back(value);
  }
  if (!scanner.AtEnd()) return std::nullopt;
  return values;
}

std::string PythonQuoted(std::string_view text) {
  const bool apostrophes = text.find('\'') != std::string_view::npos;
  const char quote = apostrophes && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') quoted.push_back('\\');
    if (c == '\n' || c == '\t' || c == '\r') {
      quoted += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + quote;
}

}  // namespace headroom
