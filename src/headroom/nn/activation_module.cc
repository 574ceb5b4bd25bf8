// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/activation_module.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <string_view>

namespace headroom {
namespace {

struct Row {
  Activation kind;
  std::string_view name;
  std::string_view type;
};

constexpr Row kRows[] = {
    {Activation::kSilu, "SiLU", "torch.nn.modules.activation.SiLU"},
    {Activation::kRelu, "ReLU", "torch.nn.modules.activation.ReLU"},
    {Activation::kLeakyRelu, "LeakyReLU", "torch.nn.modules.activation.LeakyReLU"},
    {Activation::kHardswish, "Hardswish", "torch.nn.modules.activation.Hardswish"},
    {Activation::kIdentity, "Identity", "torch.nn.modules.linear.Identity"},
};

}  // namespace

ActivationChoice ChooseActivation(const ActivationName& name) {
  const auto* row = std::ranges::find(kRows, name.kind, &Row::name);
  HEADROOM_CHECK(row != std::end(kRows), "an activation without a row: " + name.kind);
  return {row->kind, name.negative_slope};
}

ModuleTree ActivationModule(const ActivationChoice& activation) {
  const auto* row = std::ranges::find(kRows, activation.kind, &Row::kind);
  ModuleTree module{.type = std::string(row->type)};
  if (activation.kind == Activation::kLeakyRelu)
    module.Set("negative_slope", activation.negative_slope);
  if (activation.kind != Activation::kIdentity) module.Set("inplace", true);
  return module;
}

std::optional<ActivationChoice> ReadActivationModule(const ModuleTree& module) {
  const std::string_view name = std::string_view(module.type).substr(module.type.rfind('.') + 1);
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  if (row == std::end(kRows)) return std::nullopt;
  ActivationChoice activation{.kind = row->kind};
  if (row->kind != Activation::kLeakyRelu) return activation;
  const OptionValue* slope = module.Attribute("negative_slope");
  if (slope == nullptr || !slope->is_number()) return std::nullopt;
  activation.negative_slope = slope->AsDouble();
  return activation;
}

}  // namespace headroom
