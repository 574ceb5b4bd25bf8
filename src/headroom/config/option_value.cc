// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_value.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace headroom {
namespace {

std::optional<OptionValue> ParseKeyword(std::string_view text) {
  const std::string lower = ToLower(text);
  if (lower == "none" || lower == "null") return OptionValue();
  if (lower == "true") return OptionValue(true);
  if (lower == "false") return OptionValue(false);
  return std::nullopt;
}

// Underscores between digits, as Python allows.
std::optional<std::string> WithoutUnderscores(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
      continue;
    }
    const auto digit = [&](std::size_t at) {
      return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
  }
  return plain;
}

std::optional<OptionValue> ParseNumber(std::string_view text) {
  const std::optional<std::string> plain = WithoutUnderscores(text);
  if (!plain || plain->empty()) return std::nullopt;
  const bool negative = plain->front() == '-';
  const std::string digits = plain->substr(plain->front() == '-' || plain->front() == '+' ? 1 : 0);
  if (digits.empty() ||
      !(std::isdigit(static_cast<unsigned char>(digits[0])) != 0 || digits[0] == '.'))
    return std::nullopt;
  if (digits.size() > 2 && digits[0] == '0' &&
      std::string_view("xXoObB").find(digits[1]) != std::string_view::npos) {
    const int base = std::tolower(digits[1]) == 'x' ? 16 : std::tolower(digits[1]) == 'o' ? 8 : 2;
    char* end = nullptr;
    const long long value = std::strtoll(digits.c_str() + 2, &end, base);
    if (*end != '\0') return std::nullopt;
    return OptionValue(static_cast<std::int64_t>(negative ? -value : value));
  }
  std::int64_t integer = 0;
  // Python takes no leading zeros (007 is no literal).
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
  if (leading_zero && digits.find_first_not_of('0') != std::string::npos) return std::nullopt;
  if (ParseInt(*plain, &integer)) return OptionValue(integer);
  double number = 0;
  if (ParseDouble(*plain, &number)) return OptionValue(number);
  return std::nullopt;
}

// The parts of a comma-separated list; commas inside brackets and quotes do not count.
std::vector<std::string_view> SplitItems(std::string_view text) {
  std::vector<std::string_view> items;
  int depth = 0;
  char quote = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if (c == ']' || c == ')') {
      --depth;
    } else if (c == ',' && depth == 0) {
      items.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  if (!Trim(text.substr(start)).empty()) items.push_back(text.substr(start));
  return items;
}

bool IsQuoted(std::string_view text) {
  return text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
         text.back() == text.front() &&
         text.substr(1, text.size() - 2).find(text.front()) == std::string_view::npos;
}

std::optional<OptionValue> ParseLiteral(std::string_view text);

std::optional<OptionValue> ParseItems(std::string_view text) {
  OptionValue::List list;
  for (const std::string_view item : SplitItems(text)) {
    std::optional<OptionValue> value = ParseLiteral(Trim(item));
    if (!value) return std::nullopt;
    list.push_back(std::move(*value));
  }
  return OptionValue(std::move(list));
}

std::optional<OptionValue> ParseLiteral(std::string_view text) {
  if (auto keyword = ParseKeyword(text)) return keyword;
  if (auto number = ParseNumber(text)) return number;
  if (IsQuoted(text)) return OptionValue(std::string(text.substr(1, text.size() - 2)));
  const bool bracketed = text.size() >= 2 && ((text.front() == '[' && text.back() == ']') ||
                                              (text.front() == '(' && text.back() == ')'));
  if (bracketed) return ParseItems(text.substr(1, text.size() - 2));
  return std::nullopt;
}

// Words that YAML would read as something else.
bool NeedsQuotes(const std::string& text) {
  if (text.empty() || ParseLiteral(text).has_value()) return true;
  static const std::vector<std::string> words = {"yes", "no", "on", "off", "y", "n", "~"};
  const std::string lower = ToLower(text);
  for (const std::string& word : words) {
    if (lower == word) return true;
  }
  if (text.find(": ") != std::string::npos || text.find(" #") != std::string::npos ||
      text.ends_with(':'))
    return true;
  return std::string_view(" -?:,[]{}#&*!|>'\"%@`").find(text.front()) != std::string_view::npos ||
         text.back() == ' ';
}

std::string QuoteYaml(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string digits = fmt::format("{}", value);
  // Python switches to exponents below 1e-4 and from 1e16 on; fmt does the same.
  if (digits.find_first_of(".en") == std::string::npos) digits += ".0";
  return digits;
}

OptionValue OptionValue::Parse(std::string_view text) {
  text = Trim(text);
  if (auto literal = ParseLiteral(text)) return std::move(*literal);
  if (text.find(',') != std::string_view::npos) {
    if (auto tuple = ParseItems(text)) return std::move(*tuple);
  }
  return OptionValue(std::string(text));
}

std::string OptionValue::ToYaml() const {
  if (is_null()) return "null";
  if (is_bool()) return AsBool() ? "true" : "false";
  if (is_int()) return fmt::format("{}", AsInt());
  if (is_float()) return PythonFloat(AsDouble());
  if (is_string()) return NeedsQuotes(AsString()) ? QuoteYaml(AsString()) : AsString();
  std::string text;
  for (const OptionValue& item : AsList()) text += "\n- " + item.ToYaml();
  return text.empty() ? "[]" : text;
}

std::string OptionValue::ToText() const {
  if (is_null()) return "None";
  if (is_bool()) return AsBool() ? "True" : "False";
  if (is_int()) return fmt::format("{}", AsInt());
  if (is_float()) return PythonFloat(AsDouble());
  if (is_string()) return AsString();
  std::string text;
  for (const OptionValue& item : AsList()) text += (text.empty() ? "" : ", ") + item.ToText();
  return "[" + text + "]";
}

}  // namespace headroom
