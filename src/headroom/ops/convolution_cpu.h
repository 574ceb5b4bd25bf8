// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/ops/convolution.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// Convolve and ConvolveBackward with kernels of our own where those are faster: in fp32 on a
// processor without AVX-512, for dense tensors and one group. 3x3 with stride 1 runs as minimal
// filtering (kernels/winograd.h) where its channels are whole vectors; the weight gradient of the
// others by kernels/weight_gradient.h.
//
// bf16 maps, which such a processor does not multiply, are convolved in fp32 (wide_convolution.h,
// or minimal filtering too), with fp32 weights: their bf16 copies would only lose digits.
[[nodiscard]] const at::Tensor& ConvolutionWeight(const ParameterStore& parameters, int index);
void ConvolveCpu(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                 const at::Tensor& bias, at::Tensor* result);
void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad);

}  // namespace headroom
