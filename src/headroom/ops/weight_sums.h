// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace headroom {

// Adds up a weight gradient: every thread takes units of its own, with scratch of its own, and adds
// to sums of its own, which are added in order. weight_grad: fp32, overwritten.
// add(thread, units, scratch of scratch_floats, sums as large as weight_grad).
void SumOverThreads(std::int64_t units, std::int64_t scratch_floats, at::Tensor weight_grad,
                    const std::function<void(std::size_t, IndexRange, float*, float*)>& add);

[[nodiscard]] inline ImageShape ImageShapeOf(const at::Tensor& images) {
  return {images.size(0), images.size(2), images.size(3), images.size(1)};
}

}  // namespace headroom
