// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/deprecated_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace headroom {
namespace {

OptionValue Same(const OptionValue& value) { return value; }
OptionValue Nothing(const OptionValue& /*value*/) { return {}; }
OptionValue Inverted(const OptionValue& value) {
  return value.is_bool() ? OptionValue(!value.AsBool()) : value;
}
bool IsTrue(const OptionValue& value) {
  return (value.is_bool() && value.AsBool()) || (value.is_number() && value.AsDouble() != 0);
}
OptionValue Sixteen(const OptionValue& value) {
  return IsTrue(value) ? OptionValue(16) : OptionValue();
}
OptionValue Eight(const OptionValue& value) {
  return IsTrue(value) ? OptionValue(8) : OptionValue();
}
OptionValue NoNms(const OptionValue& value) {
  return IsTrue(value) ? OptionValue(false) : OptionValue();
}

struct Deprecated {
  std::string_view name;
  std::string_view today;  // Empty: dropped.
  OptionValue (*convert)(const OptionValue&);
  bool is_switch;
};

// int8 before half: with both, int8 counts.
constexpr Deprecated kDeprecated[] = {
    {"boxes", "show_boxes", Same, true},
    {"hide_labels", "show_labels", Inverted, true},
    {"hide_conf", "show_conf", Inverted, true},
    {"line_thickness", "line_width", Same, false},
    {"int8", "quantize", Eight, true},
    {"half", "quantize", Sixteen, true},
    {"end2end", "nms", NoNms, true},
    {"label_smoothing", "", Nothing, false},
    {"save_hybrid", "", Nothing, true},
    {"crop_fraction", "", Nothing, false},
    {"keras", "", Nothing, true},
};

const Deprecated* FindDeprecated(std::string_view name) {
  const auto* found = std::find_if(std::begin(kDeprecated), std::end(kDeprecated),
                                   [&](const Deprecated& row) { return row.name == name; });
  return found == std::end(kDeprecated) ? nullptr : found;
}

}  // namespace

bool IsDeprecatedOption(std::string_view name) { return FindDeprecated(name) != nullptr; }

bool IsDeprecatedSwitch(std::string_view name) {
  const Deprecated* row = FindDeprecated(name);
  return row != nullptr && row->is_switch;
}

std::vector<Override> ReplaceDeprecated(std::vector<Override> options,
                                        std::vector<std::string>* warnings) {
  for (const Deprecated& row : kDeprecated) {
    const OptionValue* old = Find(options, row.name);
    if (old == nullptr) continue;
    const OptionValue value = row.convert(*old);
    // end2end is the one old name that wins over its new one, as in the reference.
    const bool wins = row.name == "end2end";
    const bool given = !wins && Find(options, row.today) != nullptr;
    std::erase_if(options, [&](const Override& option) {
      return option.key == row.name || (wins && option.key == row.today);
    });
    if (!row.today.empty() && !given && !value.is_null())
      options.push_back({std::string(row.today), value});
    warnings->push_back(
        row.today.empty()
            ? fmt::format("{} no longer exists and is ignored", row.name)
            : fmt::format("{} is deprecated; write {}={}", row.name, row.today, value.ToText()));
  }
  return options;
}

}  // namespace headroom
