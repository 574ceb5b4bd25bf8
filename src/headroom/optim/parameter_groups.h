// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter.h"

#include <cstddef>
#include <span>
#include <vector>

namespace headroom {

// How the parameters of a group are trained.
struct ParameterGroup {
  bool decays = false;   // Weight decay applies.
  bool is_bias = false;  // Warm-up starts at warmup_bias_lr.
  bool is_muon = false;  // MuSGD orthogonalises its updates.
  double lr_multiplier = 1;
};

// The optimizer's groups, in the order of the reference's checkpoints and of lr/pg0.. in
// results.csv, and which group each parameter is in.
struct ParameterGroups {
  std::vector<ParameterGroup> groups;
  std::vector<std::size_t> group_of;  // By parameter index.

  // Weights (decayed), norm weights, biases.
  [[nodiscard]] static ParameterGroups Three(std::span<const Parameter> parameters);
  // MuSGD: weights, norm weights, biases, muon (2-D and 4-D); each split into the class branches,
  // at 3 x lr, and the rest. Every weight of a detector is 4-D, so the first two are empty.
  [[nodiscard]] static ParameterGroups Eight(std::span<const Parameter> parameters);
};

}  // namespace headroom
