// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/convolution.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// ConvolveBackward with our own kernel for the weight gradient (kernels/weight_gradient.h) where
// that is the faster one: fp32 on a processor without AVX-512, one group, dense tensors.
void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad);

}  // namespace headroom
