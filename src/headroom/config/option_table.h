// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// How a value is checked.
enum class OptionType : std::uint8_t {
  kText,      // A string.
  kBool,      // True or False.
  kInt,       // A whole number within the range.
  kNumber,    // Any number within the range.
  kFraction,  // A number in [0, 1].
  kAny,       // Checked where it is used.
};

enum class OptionOwner : std::uint8_t {
  kReference,  // A key of the reference's default.yaml that detection uses.
  kOtherTask,  // Of the reference, but for other tasks: accepted, said to be unused.
  kOurs,       // Ours: never in args.yaml.
};

// One option: the command line, the help, args.yaml and the checks all read this table.
struct OptionInfo {
  std::string_view name;
  OptionType type = OptionType::kAny;
  OptionValue default_value;
  std::string_view help;  // One line: meaning and unit.
  OptionOwner owner = OptionOwner::kReference;
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
};

// In the order of args.yaml; ours come last.
[[nodiscard]] std::span<const OptionInfo> OptionTable();
// Null when there is none.
[[nodiscard]] const OptionInfo* FindOption(std::string_view name);
// The value, checked against type and range. Whole floats become ints where ints are wanted. Throws
// ConfigError with value, what is allowed and an example.
[[nodiscard]] OptionValue CheckOption(const OptionInfo& option, OptionValue value);

}  // namespace headroom
