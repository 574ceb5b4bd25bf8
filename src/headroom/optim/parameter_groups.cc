// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/parameter_groups.h"

namespace headroom {

ParameterGroups ParameterGroups::Three(std::span<const Parameter> parameters) {
  ParameterGroups result;
  result.groups = {{.decays = true}, {}, {.is_bias = true}};
  for (const Parameter& parameter : parameters) {
    const bool weight = parameter.kind == ParameterKind::kWeight;
    result.group_of.push_back(weight ? 0 : parameter.kind == ParameterKind::kNormWeight ? 1 : 2);
  }
  return result;
}

ParameterGroups ParameterGroups::Eight(std::span<const Parameter> parameters) {
  constexpr double kClassBranchMultiplier = 3;
  ParameterGroups result;
  for (const ParameterGroup& kind :
       {ParameterGroup{.decays = true}, ParameterGroup{}, ParameterGroup{.is_bias = true},
        ParameterGroup{.decays = true, .is_muon = true}}) {
    result.groups.push_back(kind);
    result.groups.back().lr_multiplier = kClassBranchMultiplier;
    result.groups.push_back(kind);
  }
  for (const Parameter& parameter : parameters) {
    const bool muon = parameter.shape.size() == 4 || parameter.shape.size() == 2;
    const std::size_t kind = muon                                           ? 3
                             : parameter.kind == ParameterKind::kNormWeight ? 1
                             : parameter.kind == ParameterKind::kBias       ? 2
                                                                            : 0;
    result.group_of.push_back(2 * kind + (parameter.class_branch ? 0 : 1));
  }
  return result;
}

}  // namespace headroom
