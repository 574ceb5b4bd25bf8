// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/activation_name.h"

#include "headroom/config/option_value.h"
#include "headroom/core/strings.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

struct Kind {
  std::string_view name;
  bool has_slope = false;
};
constexpr Kind kKinds[] = {{"SiLU"}, {"ReLU"}, {"LeakyReLU", true}, {"Hardswish"}, {"Identity"}};

// One argument; `position` counts those without a name. False for one that the class does not take.
bool TakeArgument(const Kind& kind, std::string_view argument, int position, double* slope) {
  const std::size_t equals = argument.find('=');
  const std::string_view name =
      equals == std::string_view::npos ? std::string_view() : Trim(argument.substr(0, equals));
  const OptionValue value = OptionValue::Parse(
      Trim(equals == std::string_view::npos ? argument : argument.substr(equals + 1)));
  const bool is_slope =
      kind.has_slope && (name == "negative_slope" || (name.empty() && position == 0));
  if (is_slope && value.is_number() && std::isfinite(value.AsDouble())) {
    *slope = value.AsDouble();
    return true;
  }
  // Where the result is written does not change it.
  return !is_slope && kind.name != "Identity" && value.is_bool() &&
         (name == "inplace" || (name.empty() && position == (kind.has_slope ? 1 : 0)));
}

}  // namespace

std::optional<ActivationName> ParseActivation(std::string_view text) {
  text = Trim(text);
  if (text.starts_with("torch.")) text.remove_prefix(6);
  const std::size_t open = text.find('(');
  if (!text.starts_with("nn.") || open == std::string_view::npos || !text.ends_with(")"))
    return std::nullopt;
  const auto kind = std::ranges::find(kKinds, text.substr(3, open - 3), &Kind::name);
  if (kind == std::end(kKinds)) return std::nullopt;
  ActivationName activation{.kind = std::string(kind->name)};
  const std::string_view inside = Trim(text.substr(open + 1, text.size() - open - 2));
  if (inside.empty()) return activation;
  int position = 0;
  for (const std::string_view argument : Split(inside, ',')) {
    if (!TakeArgument(*kind, argument, position++, &activation.negative_slope)) return std::nullopt;
  }
  return activation;
}

}  // namespace headroom
