// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/ops/convolution.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// Convolve (without bias) and ConvolveBackward with kernels of our own where those are faster, for
// dense tensors. Without AVX-512, 3x3 with stride 1 and one group runs as minimal filtering
// (winograd_convolution.h) where its channels are whole vectors, and the fp32 weight gradient of
// other convolutions of one group by kernels/weight_gradient.h. Other bf16 maps are convolved in
// fp32 (wide_convolution.h) wherever the processor does not multiply them (MultipliesBFloat16).
void ConvolveCpu(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                 at::Tensor* result);
void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad);
// The weight that both take: where bf16 is not multiplied the fp32 one, since its bf16 copy would
// only lose digits.
[[nodiscard]] const at::Tensor& ConvolutionWeight(const ParameterStore& parameters, int index);

}  // namespace headroom
