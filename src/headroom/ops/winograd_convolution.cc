// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/winograd_convolution.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/winograd_geometry.h"
#include "headroom/kernels/winograd_weight_gradient.h"
#include "headroom/memory/tag_scope.h"
#include "headroom/ops/weight_sums.h"

#include <ATen/ATen.h>

namespace headroom {
namespace {

at::Tensor WinogradWeights(const ConvolutionSpec& spec, const at::Tensor& weight, WinogradUse use) {
  const at::Tensor transformed =
      at::empty({kWinogradPositions * spec.in_channels * spec.out_channels},
                weight.options().dtype(at::kFloat));
  const at::Tensor from = weight.to(at::kFloat);
  const std::int64_t lanes = WinogradLanes();
  ForEachStretch(spec.in_channels / lanes, [&](std::size_t, IndexRange vectors) {
    TransformWinogradWeights(from.const_data_ptr<float>(), spec.in_channels, spec.out_channels, use,
                             {vectors.begin * lanes, vectors.end * lanes},
                             transformed.mutable_data_ptr<float>());
  });
  return transformed;
}

}  // namespace

void ConvolveWinograd(const ConvolutionSpec& spec, const at::Tensor& images,
                      const at::Tensor& weight, WinogradUse use, at::Tensor* result) {
  const TagScope tag(MemoryTag::kWorkspace);
  const std::int64_t channels = use == WinogradUse::kForward ? spec.out_channels : spec.in_channels;
  const WinogradShape shape{.input = ImageShapeOf(images), .out_channels = channels};
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
        shape, images.const_data_ptr(), transformed.const_data_ptr<float>(), ElementTypeOf(images),
        mine, scratch.mutable_data_ptr<float>() + static_cast<std::int64_t>(i) * scratch_floats,
        result->mutable_data_ptr());
  });
}

void WinogradWeightGradient(const at::Tensor& output_grad, const at::Tensor& input,
                            const at::Tensor& weight_grad) {
  const WinogradShape shape{.input = ImageShapeOf(input), .out_channels = output_grad.size(1)};
  SumOverThreads(WinogradTiles(shape.input), WinogradWeightGradientScratch(shape), weight_grad,
                 [&](std::size_t, IndexRange tiles, float* scratch, float* sums) {
                   AccumulateWinogradWeightGradient(shape, input.const_data_ptr(),
                                                    output_grad.const_data_ptr(),
                                                    ElementTypeOf(input), tiles, scratch, sums);
                 });
}

}  // namespace headroom
