// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/wide_convolution.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/weight_gradient.h"
#include "headroom/memory/tag_scope.h"
#include "headroom/ops/one_thread_here.h"
#include "headroom/ops/weight_sums.h"

#include <ATen/ATen.h>

#include <vector>

namespace headroom {
namespace {

at::Tensor Image(const at::Tensor& images, std::int64_t i) { return images.narrow(0, i, 1); }

// [pixels, channels] of one image.
at::Tensor Pixels(const at::Tensor& image) {
  return image.permute({0, 2, 3, 1}).view({-1, image.size(1)});
}

// As large as the input, where that is defined.
at::Tensor EmptyInput(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                      const at::Tensor& input) {
  if (input.defined())
    return at::empty(input.sizes(), output_grad.options(), at::MemoryFormat::ChannelsLast);
  const Extent extent = spec.InputExtent({output_grad.size(2), output_grad.size(3)});
  return at::empty({output_grad.size(0), spec.in_channels, extent.height, extent.width},
                   output_grad.options(), at::MemoryFormat::ChannelsLast);
}

bool IsPointwise(const ConvolutionSpec& spec) {
  return spec.kernel == 1 && spec.stride == 1 && spec.groups == 1 && spec.padding() == 0;
}

// What kernels/weight_gradient.h takes.
bool IsDense(const ConvolutionSpec& spec) { return spec.groups == 1 && spec.dilation == 1; }

// fp32 copies of one image's input and output.
struct WideImage {
  at::Tensor input;
  at::Tensor output;
};

// One for every thread that has images. Made here: a thread of the loop would take them from a
// cache of its own.
std::vector<WideImage> WideImages(const at::Tensor& input, const at::Tensor& output) {
  const auto one = [](const at::Tensor& images) {
    return at::empty({1, images.size(1), images.size(2), images.size(3)},
                     images.options().dtype(at::kFloat), at::MemoryFormat::ChannelsLast);
  };
  std::vector<WideImage> wide;
  for (std::int64_t i = 0; i < StretchCount(output.size(0)); ++i)
    wide.push_back({one(input), one(output)});
  return wide;
}

void ConvolveImage(const ConvolutionSpec& spec, const at::Tensor& weight, WideImage& image) {
  if (IsPointwise(spec)) {
    at::Tensor output = Pixels(image.output);
    at::mm_out(output, Pixels(image.input), weight.view({spec.out_channels, spec.in_channels}).t());
  } else {
    Convolve(spec, image.input, weight, {}, &image.output);
  }
}

// The gradient replaces the input, which no one reads any more.
void InputGradient(const ConvolutionSpec& spec, const at::Tensor& weight, WideImage& image) {
  if (IsPointwise(spec)) {
    at::Tensor input = Pixels(image.input);
    at::mm_out(input, Pixels(image.output), weight.view({spec.out_channels, spec.in_channels}));
  } else {
    ConvolveBackward(spec, image.output, {}, weight, &image.input, {});
  }
}

// sums += the image's weight gradient.
void AddWeightGradient(const ConvolutionSpec& spec, const at::Tensor& weight,
                       const WideImage& image, float* scratch, float* sums) {
  if (IsDense(spec)) {
    AccumulateWeightGradient(
        ShapeOf(spec, image.input, image.output), image.input.const_data_ptr<float>(),
        image.output.const_data_ptr<float>(), {0, image.output.size(2)}, scratch, sums);
    return;
  }
  at::Tensor one = at::empty_like(weight);
  ConvolveBackward(spec, image.output, image.input, weight, nullptr, one);
  at::from_blob(sums, one.sizes(), one.strides(), one.options()).add_(one);
}

}  // namespace

void ConvolveWide(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                  at::Tensor* result) {
  const TagScope tag(MemoryTag::kWorkspace);
  if (!result->defined()) {
    const Extent out = spec.OutputExtent({input.size(2), input.size(3)});
    *result = at::empty({input.size(0), spec.out_channels, out.height, out.width}, input.options(),
                        at::MemoryFormat::ChannelsLast);
  }
  const at::Tensor wide_weight = weight.to(at::kFloat);
  std::vector<WideImage> wide = WideImages(input, *result);
  ForEachStretch(input.size(0), [&](std::size_t thread, IndexRange images) {
    const OneThreadHere one_thread;
    WideImage& mine = wide[thread];
    for (std::int64_t i = images.begin; i < images.end; ++i) {
      mine.input.copy_(Image(input, i));
      ConvolveImage(spec, wide_weight, mine);
      Image(*result, i).copy_(mine.output);
    }
  });
}

void ConvolveBackwardWide(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                          const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                          const at::Tensor& weight_grad) {
  const bool wants_weight = weight_grad.defined();
  if (input_grad == nullptr && !wants_weight) return;
  const TagScope tag(MemoryTag::kWorkspace);
  if (input_grad != nullptr && !input_grad->defined())
    *input_grad = EmptyInput(spec, output_grad, input);
  const at::Tensor wide_weight = weight.to(at::kFloat);
  std::vector<WideImage> wide = WideImages(wants_weight ? input : *input_grad, output_grad);
  const auto run = [&](WideImage& mine, IndexRange images, float* scratch, float* sums) {
    const OneThreadHere one_thread;
    for (std::int64_t i = images.begin; i < images.end; ++i) {
      mine.output.copy_(Image(output_grad, i));
      if (wants_weight) {
        mine.input.copy_(Image(input, i));
        AddWeightGradient(spec, wide_weight, mine, scratch, sums);
      }
      if (input_grad == nullptr) continue;
      InputGradient(spec, wide_weight, mine);
      Image(*input_grad, i).copy_(mine.input);
    }
  };
  const std::int64_t count = output_grad.size(0);
  if (!wants_weight) {
    ForEachStretch(count, [&](std::size_t thread, IndexRange images) {
      run(wide[thread], images, nullptr, nullptr);
    });
    return;
  }
  const std::int64_t scratch =
      IsDense(spec) ? WeightGradientScratch(ShapeOf(spec, wide[0].input, wide[0].output)) : 0;
  SumOverThreads(count, scratch, weight_grad,
                 [&](std::size_t thread, IndexRange images, float* room, float* sums) {
                   run(wide[thread], images, room, sums);
                 });
}

}  // namespace headroom
