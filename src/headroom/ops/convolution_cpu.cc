// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/convolution_cpu.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/kernels/weight_gradient.h"
#include "headroom/kernels/winograd.h"
#include "headroom/kernels/winograd_weight_gradient.h"
#include "headroom/memory/tag_scope.h"

#include <ATen/ATen.h>

#include <functional>
#include <vector>

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

// Null and undefined ones are made here.
bool CanWrite(const at::Tensor* result) {
  return result == nullptr || !result->defined() || IsDense(*result);
}

ImageShape ShapeOf(const at::Tensor& images) {
  return {images.size(0), images.size(2), images.size(3), images.size(1)};
}

ConvolutionShape ShapeOf(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input) {
  return {.input = ShapeOf(input),
          .out_height = output_grad.size(2),
          .out_width = output_grad.size(3),
          .out_channels = output_grad.size(1),
          .kernel = spec.kernel,
          .stride = spec.stride,
          .padding = spec.padding()};
}

// Every thread takes units of its own, with scratch of its own; their sums are added in order.
// add(units, scratch, sums).
void SumOverThreads(std::int64_t units, std::int64_t scratch_floats, at::Tensor weight_grad,
                    const std::function<void(IndexRange, float*, float*)>& add) {
  const TagScope tag(MemoryTag::kWorkspace);
  const auto threads = static_cast<std::size_t>(StretchCount(units));
  // Made here: a thread of the loop below would take them from a cache of its own.
  const at::Tensor scratch =
      at::empty({static_cast<std::int64_t>(threads) * scratch_floats}, weight_grad.options());
  std::vector<at::Tensor> sums{weight_grad.zero_()};
  while (sums.size() < threads) sums.push_back(at::zeros_like(weight_grad));
  ForEachStretch(units, [&](std::size_t i, IndexRange mine) {
    add(mine, scratch.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * scratch_floats,
        sums[i].mutable_data_ptr<float>());
  });
  for (std::size_t i = 1; i < threads; ++i) weight_grad.add_(sums[i]);
}

void DirectWeightGradient(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                          const at::Tensor& input, const at::Tensor& weight_grad) {
  const ConvolutionShape shape = ShapeOf(spec, output_grad, input);
  SumOverThreads(shape.input.images * shape.out_height, WeightGradientScratch(shape), weight_grad,
                 [&](IndexRange lines, float* scratch, float* sums) {
                   AccumulateWeightGradient(shape, input.const_data_ptr<float>(),
                                            output_grad.const_data_ptr<float>(), lines, scratch,
                                            sums);
                 });
}

ElementType TypeOf(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? ElementType::kFloat32 : ElementType::kBFloat16;
}

bool TakesWinograd(const ConvolutionSpec& spec, const at::Tensor& images) {
  return spec.kernel == 3 && spec.stride == 1 && spec.groups == 1 && !HasAvx512() &&
         IsDense(images) && spec.in_channels % WinogradLanes() == 0 &&
         spec.out_channels % WinogradLanes() == 0;
}

void WinogradWeightGradient(const at::Tensor& output_grad, const at::Tensor& input,
                            const at::Tensor& weight_grad) {
  const WinogradShape shape{.input = ShapeOf(input), .out_channels = output_grad.size(1)};
  SumOverThreads(WinogradTiles(shape.input), WinogradWeightGradientScratch(shape), weight_grad,
                 [&](IndexRange tiles, float* scratch, float* sums) {
                   AccumulateWinogradWeightGradient(shape, input.const_data_ptr(),
                                                    output_grad.const_data_ptr(), TypeOf(input),
                                                    tiles, scratch, sums);
                 });
}

at::Tensor WinogradWeights(const ConvolutionSpec& spec, const at::Tensor& weight, WinogradUse use) {
  const at::Tensor transformed =
      at::empty({36 * spec.in_channels * spec.out_channels}, weight.options().dtype(at::kFloat));
  const at::Tensor from = weight.to(at::kFloat);
  const std::int64_t lanes = WinogradLanes();
  ForEachStretch(spec.in_channels / lanes, [&](std::size_t, IndexRange vectors) {
    TransformWinogradWeights(from.const_data_ptr<float>(), spec.in_channels, spec.out_channels, use,
                             {vectors.begin * lanes, vectors.end * lanes},
                             transformed.mutable_data_ptr<float>());
  });
  return transformed;
}

// Every thread takes tiles of its own; the result does not depend on how many there are.
void Winograd(const ConvolutionSpec& spec, const at::Tensor& images, const at::Tensor& weight,
              const at::Tensor& bias, WinogradUse use, at::Tensor* result) {
  const TagScope tag(MemoryTag::kWorkspace);
  const std::int64_t channels = use == WinogradUse::kForward ? spec.out_channels : spec.in_channels;
  const WinogradShape shape{.input = ShapeOf(images), .out_channels = channels};
  if (!result->defined()) {
    *result = at::empty({shape.input.images, channels, shape.input.height, shape.input.width},
                        images.options(), at::MemoryFormat::ChannelsLast);
  }
  const at::Tensor transformed = WinogradWeights(spec, weight, use);
  const std::int64_t tiles = WinogradTiles(shape.input);
  const std::int64_t scratch_floats = WinogradScratch(shape);
  const at::Tensor scratch =
      at::empty({StretchCount(tiles) * scratch_floats}, transformed.options());
  ForEachStretch(tiles, [&](std::size_t i, IndexRange mine) {
    WinogradConvolve(
        shape, images.const_data_ptr(), transformed.const_data_ptr<float>(),
        bias.defined() ? bias.const_data_ptr<float>() : nullptr, TypeOf(images), mine,
        scratch.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * scratch_floats,
        result->mutable_data_ptr());
  });
}

}  // namespace

void ConvolveCpu(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                 const at::Tensor& bias, at::Tensor* result) {
  if (TakesWinograd(spec, input) && IsDense(weight) && CanWrite(result)) {
    Winograd(spec, input, weight, bias, WinogradUse::kForward, result);
  } else {
    Convolve(spec, input, weight, bias, result);
  }
}

void ConvolveBackwardCpu(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         const at::Tensor& weight_grad) {
  at::Tensor left = weight_grad;  // What LibTorch is left with.
  const bool winograd = TakesWinograd(spec, output_grad);
  if (left.defined() && IsDense(left) && IsDense(input)) {
    if (winograd) {
      WinogradWeightGradient(output_grad, input, left);
      left.reset();
    } else if (spec.groups == 1 && !HasAvx512() && IsDenseFloat(output_grad) &&
               IsDenseFloat(input)) {
      DirectWeightGradient(spec, output_grad, input, left);
      left.reset();
    }
  }
  if (input_grad != nullptr && winograd && IsDense(weight) && CanWrite(input_grad)) {
    Winograd(spec, output_grad, weight, {}, WinogradUse::kInputGradient, input_grad);
    input_grad = nullptr;
  }
  ConvolveBackward(spec, output_grad, input, weight, input_grad, left);
}

}  // namespace headroom
