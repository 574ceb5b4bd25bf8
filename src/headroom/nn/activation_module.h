// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/activation_name.h"
#include "headroom/config/module_tree.h"
#include "headroom/kernels/bn_act.h"

#include <optional>

namespace headroom {

// What follows a convolution's batch-norm.
struct ActivationChoice {
  Activation kind = Activation::kSilu;
  double negative_slope = 0.01;  // Of kLeakyRelu.
};

[[nodiscard]] ActivationChoice ChooseActivation(const ActivationName& name);
// The torch module of an activation, and back; nothing for a module of another kind, or with
// arguments that change what it computes.
[[nodiscard]] ModuleTree ActivationModule(const ActivationChoice& activation);
[[nodiscard]] std::optional<ActivationChoice> ReadActivationModule(const ModuleTree& module);

}  // namespace headroom
