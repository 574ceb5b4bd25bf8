// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/shape.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace headroom {

// Attributes of a 2-D convolution, equal along both axes.
struct ConvolutionSpec {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  std::int64_t dilation = 1;
  // Zeros on every side; absent: half of the dilated kernel, which keeps a map's extent where
  // stride is 1 and the kernel odd.
  std::optional<std::int64_t> explicit_padding;

  [[nodiscard]] std::int64_t padding() const {
    return explicit_padding.value_or(dilated_kernel() / 2);
  }
  // Pixels from the first tap to the last, both counted.
  [[nodiscard]] std::int64_t dilated_kernel() const { return dilation * (kernel - 1) + 1; }
  [[nodiscard]] Extent OutputExtent(const Extent& input) const;
  // The input of that output whose sides are multiples of the stride: of those that a stride above
  // 1 leaves open the one that networks have.
  [[nodiscard]] Extent InputExtent(const Extent& output) const;
  // Multiply-adds of one image.
  [[nodiscard]] std::int64_t MultiplyAdds(const Extent& input) const;
};

// LibTorch's convolutions behind one small interface; convolution_cpu.h has those of our own.
// Tensors are dense and channels last, fp32 or bf16. On a CPU every thread takes images of its own
// where that shares the work evenly: the result depends on the number of threads, not on load.

// *result gets x * weight (+ bias). When *result is a defined CPU tensor, the result lies there
// (memory/placement.h); elsewhere it becomes LibTorch's own.
void Convolve(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
              const at::Tensor& bias, at::Tensor* result);

// Gradients of Convolve. `input_grad` (null: not wanted) as `result` above. `weight_grad`
// (undefined: not wanted; `input` is then not read) is fp32 and is overwritten.
void ConvolveBackward(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                      const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                      const at::Tensor& weight_grad);

}  // namespace headroom
