// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/optim/optimizer.h"

#include <span>
#include <vector>

namespace headroom {

// What the schedule says of the optimizer's groups when a checkpoint is written.
struct OptimizerRates {
  std::vector<GroupStep> groups;  // Of the last step, in the order of the optimizer's groups.
  double initial_lr = 0.01;       // lr0, before a group's multiplier.
};

// The state_dict() that LibTorch's optimizer of the same name and groups would have, and that the
// reference resumes from. Its tensors are views of `states` (the optimizer's, on the host), in
// which they are written once, however many entries refer to them. `states` must live until the
// pickle is written.
[[nodiscard]] PickleNode* MakeReferenceOptimizer(PickleHeap& heap, const Optimizer& optimizer,
                                                 std::span<const Optimizer::State> states,
                                                 const ParameterStore& store,
                                                 const OptimizerRates& rates);
// Its nodes and their text, whatever the optimizer.
[[nodiscard]] Bytes EstimateReferenceOptimizer(const ParameterStore& store);

}  // namespace headroom
