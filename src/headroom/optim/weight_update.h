// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"

#include <ATen/core/Tensor.h>

#include <span>

namespace headroom {

// One update of the weights from `gradients` (laid out as the store's values), which are zero
// afterwards: those of frozen parameters are cleared, the norm of the others is clipped to 10 (as
// Ultralytics does), the optimizer's pass writes weights, moving average and bf16 copies, and the
// running statistics are averaged. Allocates nothing on a CPU.
void UpdateWeights(ParameterStore& store, Optimizer& optimizer, Ema& ema, at::Tensor& gradients,
                   std::span<const GroupStep> steps);

}  // namespace headroom
