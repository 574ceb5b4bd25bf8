// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

namespace headroom {

// Euclidean norm of flat gradients, summed in double over fixed blocks: the same for any thread
// count. Infinite or NaN where any gradient is. Allocates nothing on a CPU.
[[nodiscard]] double GradientNorm(const at::Tensor& gradients);
// The factor that brings the norm down to `limit`: min(1, limit / (norm + 1e-6)).
[[nodiscard]] double ClipFactor(double norm, double limit);

}  // namespace headroom
