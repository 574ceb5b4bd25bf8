// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_value.h"

#include "headroom/config/python_literal.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace headroom {
namespace {

// Strings inside a list carry quotes, as Python shows them.
std::string Repr(const OptionValue& value) {
  if (!value.is_string()) return value.ToText();
  const std::string& text = value.AsString();
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + quote;
}

}  // namespace

OptionValue OptionValue::Parse(std::string_view text) {
  const std::string lower = ToLower(text);
  if (lower == "none") return {};
  if (lower == "true") return true;
  if (lower == "false") return false;
  if (auto literal = ParsePythonLiteral(text)) return *std::move(literal);
  return text;
}

OptionValue::List OptionValue::Items() const {
  if (is_null()) return {};
  return is_list() ? AsList() : List{*this};
}

const OptionValue* OptionValue::Find(std::string_view key) const {
  if (!is_dict()) return nullptr;
  for (const auto& [name, value] : AsDict()) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string OptionValue::ToText() const {
  if (is_bool()) return AsBool() ? "True" : "False";
  if (is_int()) return fmt::format("{}", AsInt());
  if (is_float()) return PythonFloat(AsDouble());
  if (is_string()) return AsString();
  std::vector<std::string> shown;
  if (is_list()) {
    for (const OptionValue& item : AsList()) shown.push_back(Repr(item));
    return fmt::format("[{}]", fmt::join(shown, ", "));
  }
  if (is_dict()) {
    for (const auto& [key, item] : AsDict())
      shown.push_back(fmt::format("{}: {}", Repr(key), Repr(item)));
    return fmt::format("{{{}}}", fmt::join(shown, ", "));
  }
  return "None";
}

std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace headroom
