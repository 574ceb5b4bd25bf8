// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/optim/optimizer.h"

namespace headroom {

// Every elementwise optimizer in ATen operations, parameter by parameter: any device, and the twin
// of the fused passes.
[[nodiscard]] std::unique_ptr<Optimizer> MakeAtenOptimizer(OptimizerKind kind,
                                                           std::span<const Parameter> parameters,
                                                           std::int64_t count, at::Device device);

// What every optimizer does after its own update: EMA and bf16 copy of the stretch.
void FollowUp(const StepTensors& tensors, std::int64_t offset, std::int64_t count);

}  // namespace headroom
