// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace headroom {

// The value of an option, an argument of a model YAML's row, or a whole YAML tree. Text in, values
// out; never evaluated. A value type: copies are deep.
class OptionValue {
 public:
  using List = std::vector<OptionValue>;
  // In the order of the file.
  using Dict = std::vector<std::pair<std::string, OptionValue>>;

  OptionValue() = default;  // null
  // NOLINTBEGIN(google-explicit-constructor): values are written as literals in tables and tests
  OptionValue(bool value) : state_(value) {}
  OptionValue(int value) : state_(std::int64_t{value}) {}
  OptionValue(std::int64_t value) : state_(value) {}
  OptionValue(double value) : state_(value) {}
  OptionValue(std::string value) : state_(std::move(value)) {}
  OptionValue(std::string_view value) : state_(std::string(value)) {}
  OptionValue(const char* value) : state_(std::string(value)) {}
  OptionValue(List value) : state_(std::move(value)) {}
  OptionValue(Dict value) : state_(std::move(value)) {}
  // NOLINTEND(google-explicit-constructor)

  // What a word of the command line means (the value side of key=value): none, true and false in
  // any case; a Python literal (12, 0x10, 1_000, 1e-3, 'text', [1, 2], (0.5, 1.5), 0,1 as a list of
  // two); anything else is the text itself. Sequences nest at most 8 deep.
  [[nodiscard]] static OptionValue Parse(std::string_view text);

  [[nodiscard]] bool is_null() const { return Is<std::monostate>(); }
  [[nodiscard]] bool is_bool() const { return Is<bool>(); }
  [[nodiscard]] bool is_int() const { return Is<std::int64_t>(); }
  [[nodiscard]] bool is_float() const { return Is<double>(); }
  [[nodiscard]] bool is_number() const { return is_int() || is_float(); }
  [[nodiscard]] bool is_string() const { return Is<std::string>(); }
  [[nodiscard]] bool is_list() const { return Is<List>(); }
  [[nodiscard]] bool is_dict() const { return Is<Dict>(); }
  // One value: neither null nor a list or dict.
  [[nodiscard]] bool is_scalar() const { return !is_null() && !is_list() && !is_dict(); }

  // Preconditions: the matching is_...; AsDouble takes ints too. std::bad_variant_access otherwise.
  [[nodiscard]] bool AsBool() const { return std::get<bool>(state_); }
  [[nodiscard]] std::int64_t AsInt() const { return std::get<std::int64_t>(state_); }
  [[nodiscard]] double AsDouble() const {
    return is_int() ? static_cast<double>(AsInt()) : std::get<double>(state_);
  }
  [[nodiscard]] const std::string& AsString() const { return std::get<std::string>(state_); }
  [[nodiscard]] const List& AsList() const { return std::get<List>(state_); }
  [[nodiscard]] const Dict& AsDict() const { return std::get<Dict>(state_); }

  // The items of a list, the value itself as the only one, none for null.
  [[nodiscard]] List Items() const;
  // The entry of a dict; null where there is none, or where this is no dict.
  [[nodiscard]] const OptionValue* Find(std::string_view key) const;

  // As people type it and the reference's console prints it: 0.01, 1e-05, True, None, [0, 2], text
  // without quotes.
  [[nodiscard]] std::string ToText() const;

  friend bool operator==(const OptionValue&, const OptionValue&) = default;

 private:
  template <typename T>
  [[nodiscard]] bool Is() const {
    return std::holds_alternative<T>(state_);
  }

  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Dict> state_;
};

// A float as Python prints it: the shortest digits that read back equal, always with a point or an
// exponent: 0.01, 3.0, 1e-05.
[[nodiscard]] std::string PythonFloat(double value);

}  // namespace headroom
