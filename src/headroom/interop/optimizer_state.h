// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/tensor_data.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// One group of a torch optimizer's state_dict().
struct OptimizerGroup {
  std::vector<std::pair<std::string, const PickleNode*>> options;  // lr, betas, param_group, ...
  std::vector<std::int64_t> parameters;                            // Their indices, in group order.

  // Null when the group has no such option.
  [[nodiscard]] const PickleNode* Find(std::string_view name) const;
};

// What the optimizer remembers of one parameter: "momentum_buffer", or "step", "exp_avg",
// "exp_avg_sq" (a plain number becomes a tensor without dimensions).
struct OptimizerSlot {
  std::int64_t parameter = 0;
  std::vector<std::pair<std::string, TensorData>> tensors;
};

struct OptimizerState {
  std::vector<OptimizerGroup> groups;
  std::vector<OptimizerSlot>
      slots;  // In the file's order; parameters without a gradient have none.
};

// Reads {state: {index: {...}}, param_groups: [{..., params: [...]}]}. The views live as long as
// the nodes. Fails when it has another shape.
[[nodiscard]] Result<OptimizerState> ReadOptimizerState(const PickleNode& node);

}  // namespace headroom
