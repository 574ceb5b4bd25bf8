// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headroom {

// A value of the command line or of a YAML file: null, bool, int, float, string or a list of those.
// Text is parsed as Python reads a literal, and never evaluated: what is no literal is a string.
class OptionValue {
 public:
  using List = std::vector<OptionValue>;

  OptionValue() = default;
  OptionValue(bool value) : value_(value) {}  // NOLINT(google-explicit-constructor): a literal
  OptionValue(std::int64_t value)
      : value_(value) {}  // NOLINT(google-explicit-constructor): a literal
  OptionValue(int value)
      : value_(std::int64_t{value}) {}          // NOLINT(google-explicit-constructor): a literal
  OptionValue(double value) : value_(value) {}  // NOLINT(google-explicit-constructor): a literal
  OptionValue(std::string value)
      : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): a literal
  OptionValue(const char* value)
      : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor): a literal
  OptionValue(List value)
      : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): a literal

  // none, true, false in any case; ints (7, 0x10, 1_000), floats, quoted strings, [..] and (..),
  // and `a,b` as a tuple; anything else is the string itself.
  [[nodiscard]] static OptionValue Parse(std::string_view text);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_float() const { return std::holds_alternative<double>(value_); }
  [[nodiscard]] bool is_number() const { return is_int() || is_float(); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_list() const { return std::holds_alternative<List>(value_); }

  // Preconditions: the matching is_...; AsDouble takes ints too.
  [[nodiscard]] bool AsBool() const { return std::get<bool>(value_); }
  [[nodiscard]] std::int64_t AsInt() const { return std::get<std::int64_t>(value_); }
  [[nodiscard]] double AsDouble() const {
    return is_int() ? static_cast<double>(AsInt()) : std::get<double>(value_);
  }
  [[nodiscard]] const std::string& AsString() const { return std::get<std::string>(value_); }
  [[nodiscard]] const List& AsList() const { return std::get<List>(value_); }

  // As args.yaml has it: null, true, 0.01, 1e-05, 'quoted' where a bare word would be read
  // otherwise.
  [[nodiscard]] std::string ToYaml() const;
  // As people type it: none, True, 640.
  [[nodiscard]] std::string ToText() const;

  friend bool operator==(const OptionValue&, const OptionValue&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List> value_;
};

// A float as Python prints it: the shortest digits that read back equal; 1e-05, 0.01, 3.0.
[[nodiscard]] std::string PythonFloat(double value);

}  // namespace headroom
