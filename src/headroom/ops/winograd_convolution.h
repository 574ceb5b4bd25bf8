// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/winograd.h"
#include "headroom/ops/convolution.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// The kernels of winograd.h over dense channels-last CPU tensors, images in fp32 or bf16, the
// weight in either. Every thread takes tiles of its own: except for the weight gradient's sums,
// results do not depend on how many there are.

// `images`: x for the forward pass, dy for the input gradient. *result: made when undefined,
// else as `images`.
void ConvolveWinograd(const ConvolutionSpec& spec, const at::Tensor& images,
                      const at::Tensor& weight, WinogradUse use, at::Tensor* result);

// weight_grad: fp32, overwritten.
void WinogradWeightGradient(const at::Tensor& output_grad, const at::Tensor& input,
                            const at::Tensor& weight_grad);

}  // namespace headroom
