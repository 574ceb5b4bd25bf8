// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/convolution_cpu.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/kernels/weight_gradient.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <vector>

namespace headroom {
namespace {

bool HasAvx512() { return ActiveSimdTarget().name.rfind("AVX3", 0) == 0; }

bool IsDense(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat &&
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

ConvolutionShape ShapeOf(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input) {
  return {.input = {input.size(0), input.size(2), input.size(3), input.size(1)},
          .out_height = output_grad.size(2),
          .out_width = output_grad.size(3),
          .out_channels = output_grad.size(1),
          .kernel = spec.kernel,
          .stride = spec.stride,
          .padding = spec.padding()};
}

// Every thread takes lines of its own; their sums are added in order.
void OwnWeightGradient(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                       const at::Tensor& input, at::Tensor weight_grad) {
  const TagScope tag(MemoryTag::kWorkspace);
  const ConvolutionShape shape = ShapeOf(spec, output_grad, input);
  const std::int64_t lines = shape.input.images * shape.out_height;
  const auto threads = static_cast<std::size_t>(StretchCount(lines));
  const std::int64_t scratch_floats = WeightGradientScratch(shape);
  // Made here: a thread of the loop below would take them from a cache of its own.
  const at::Tensor scratch =
      at::empty({static_cast<std::int64_t>(threads) * scratch_floats}, weight_grad.options());
  std::vector<at::Tensor> sums{weight_grad.zero_()};
  while (sums.size() < threads) sums.push_back(at::zeros_like(weight_grad));
  ForEachStretch(lines, [&](std::size_t i, IndexRange mine) {
    AccumulateWeightGradient(
        shape, input.const_data_ptr<float>(), output_grad.const_data_ptr<float>(), mine,
        scratch.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * scratch_floats,
        sums[i].mutable_data_ptr<float>());
  });
  for (std::size_t i = 1; i < threads; ++i) weight_grad.add_(sums[i]);
}

}  // namespace

void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad) {
  const bool own = weight_grad.defined() && spec.groups == 1 && !HasAvx512() &&
                   IsDense(output_grad) && IsDense(input) && IsDense(weight_grad);
  if (own) OwnWeightGradient(spec, output_grad, input, weight_grad);
  ConvolveBackward(spec, output_grad, input, weight, input_grad, own ? at::Tensor() : weight_grad);
}

}  // namespace headroom
