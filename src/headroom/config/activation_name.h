// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headroom {

// An activation as model files name it.
struct ActivationName {
  std::string kind = "SiLU";     // SiLU, ReLU, LeakyReLU, Hardswish or Identity.
  double negative_slope = 0.01;  // Of LeakyReLU.

  friend bool operator==(const ActivationName&, const ActivationName&) = default;
};

// Of "nn.ReLU()", "torch.nn.LeakyReLU(0.1, inplace=True)", ...: the call of a class of torch.nn,
// its arguments literals. Empty for a class that is not known or arguments that it does not take.
// Nothing is evaluated.
[[nodiscard]] std::optional<ActivationName> ParseActivation(std::string_view text);
// What ParseActivation takes, for messages.
inline constexpr std::string_view kActivationsKnown =
    "nn.SiLU(), nn.ReLU(), nn.LeakyReLU(SLOPE), nn.Hardswish() and nn.Identity()";

}  // namespace headroom
