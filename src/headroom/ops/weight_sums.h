// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"
#include "headroom/kernels/weight_gradient.h"
#include "headroom/ops/convolution.h"

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

// What kernels/weight_gradient.h is told of a convolution between these maps.
[[nodiscard]] ConvolutionShape ShapeOf(const ConvolutionSpec& spec, const at::Tensor& input,
                                       const at::Tensor& output);

}  // namespace headroom
