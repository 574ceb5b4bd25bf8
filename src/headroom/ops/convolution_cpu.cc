// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/convolution_cpu.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/kernels/weight_gradient.h"
#include "headroom/kernels/winograd.h"
#include "headroom/kernels/winograd_geometry.h"
#include "headroom/ops/weight_sums.h"
#include "headroom/ops/wide_convolution.h"
#include "headroom/ops/winograd_convolution.h"

#include <ATen/ATen.h>

namespace headroom {
namespace {

bool HasAvx512() { return ActiveSimdTarget().name.rfind("AVX3", 0) == 0; }

// A dense tensor that our kernels read; bf16 only those of winograd.h.
bool IsDense(const at::Tensor& tensor) {
  return tensor.is_cpu() &&
         (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16) &&
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool IsDenseFloat(const at::Tensor& tensor) {
  return IsDense(tensor) && tensor.scalar_type() == at::kFloat;
}

// bf16 that this processor does not multiply.
bool IsNarrow(const at::Tensor& tensor) {
  return IsDense(tensor) && tensor.scalar_type() == at::kBFloat16 && !MultipliesBFloat16();
}

// Undefined ones are made here.
bool CanWrite(const at::Tensor& result, const at::Tensor& images) {
  return !result.defined() || (IsDense(result) && result.scalar_type() == images.scalar_type());
}

void DirectWeightGradient(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                          const at::Tensor& input, const at::Tensor& weight_grad) {
  const ConvolutionShape shape = ShapeOf(spec, input, output_grad);
  SumOverThreads(shape.input.images * shape.out_height, WeightGradientScratch(shape), weight_grad,
                 [&](std::size_t, IndexRange lines, float* scratch, float* sums) {
                   AccumulateWeightGradient(shape, input.const_data_ptr<float>(),
                                            output_grad.const_data_ptr<float>(), lines, scratch,
                                            sums);
                 });
}

// Not of images so small that more than half of their tiles lies outside.
bool TakesWinograd(const ConvolutionSpec& spec, const at::Tensor& images) {
  constexpr std::int64_t kTile = kWinogradOutputs * kWinogradOutputs;
  return spec.kernel == 3 && spec.stride == 1 && spec.groups == 1 && spec.dilation == 1 &&
         spec.padding() == 1 && !HasAvx512() && IsDense(images) &&
         spec.in_channels % WinogradLanes() == 0 && spec.out_channels % WinogradLanes() == 0 &&
         WinogradTiles(ImageShapeOf(images)) * kTile <=
             2 * images.size(0) * images.size(2) * images.size(3);
}

// Its sums, 36 a pair of channels and thread, are to stay in the last cache.
bool TakesWinogradWeightGradient(const ConvolutionSpec& spec, const at::Tensor& images) {
  constexpr std::int64_t kMostPairs = std::int64_t{128} * 192;  // 3.4 MiB.
  return TakesWinograd(spec, images) && spec.in_channels * spec.out_channels <= kMostPairs;
}

}  // namespace

const at::Tensor& ConvolutionWeight(const ParameterStore& parameters, int index) {
  return MultipliesBFloat16() ? parameters.compute_value(index) : parameters.value(index);
}

void ConvolveCpu(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                 at::Tensor* result) {
  if (TakesWinograd(spec, input) && IsDense(weight) && CanWrite(*result, input)) {
    ConvolveWinograd(spec, input, weight, WinogradUse::kForward, result);
  } else if (IsNarrow(input)) {
    ConvolveWide(spec, input, weight, result);
  } else {
    Convolve(spec, input, weight.to(input.scalar_type()), {}, result);
  }
}

void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad) {
  at::Tensor left = weight_grad;  // What LibTorch is left with.
  if (left.defined() && IsDenseFloat(left) && IsDense(input) &&
      input.scalar_type() == output_grad.scalar_type()) {
    if (TakesWinogradWeightGradient(spec, output_grad)) {
      WinogradWeightGradient(output_grad, input, left);
      left.reset();
    } else if (spec.groups == 1 && spec.dilation == 1 && !HasAvx512() &&
               IsDenseFloat(output_grad) && IsDenseFloat(input)) {
      DirectWeightGradient(spec, output_grad, input, left);
      left.reset();
    }
  }
  if (input_grad != nullptr && TakesWinograd(spec, output_grad) && IsDense(weight) &&
      CanWrite(*input_grad, output_grad)) {
    ConvolveWinograd(spec, output_grad, weight, WinogradUse::kInputGradient, input_grad);
    input_grad = nullptr;
  }
  if (IsNarrow(output_grad)) {
    ConvolveBackwardWide(spec, output_grad, input, weight, input_grad, left);
  } else {
    ConvolveBackward(spec, output_grad, input, weight.to(output_grad.scalar_type()), input_grad,
                     left);
  }
}

}  // namespace headroom
