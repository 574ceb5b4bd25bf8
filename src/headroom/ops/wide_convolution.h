// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/convolution.h"

#include <ATen/core/Tensor.h>

namespace headroom {

// Convolve and ConvolveBackward of bf16 CPU tensors by fp32 arithmetic, for processors that do not
// multiply bf16: oneDNN's bf16 takes many times longer there. Every thread converts an image of its
// own, convolves it and converts the result: sums are fp32 as those of bf16 multiplication are.
// Scratch: two fp32 images a thread, however many there are.
void ConvolveWide(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                  at::Tensor* result);
void ConvolveBackwardWide(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                          const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                          const at::Tensor& weight_grad);

}  // namespace headroom
