// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/convolution.h"

#include "headroom/graph/row_stretches.h"
#include "headroom/memory/placement.h"
#include "headroom/ops/one_thread_here.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <optional>
#include <vector>

namespace headroom {
namespace {

// LibTorch allocates its results itself; on a CPU it is told where (memory/placement.h).
void Place(const at::Tensor* target, PlacementScope* scope) {
  if (target != nullptr && target->defined() && target->is_cpu())
    scope->Add(target->data_ptr(), target->nbytes());
}

// A result that did not land in its place (a kernel with another allocation order) is copied there.
void Settle(const at::Tensor& result, at::Tensor* target) {
  if (target == nullptr) return;
  if (!target->defined()) {
    *target = result;
  } else if (result.data_ptr() != target->data_ptr()) {
    target->copy_(result);
  }
}

// Threads that share a convolution wait for each other inside oneDNN by spinning, in weight
// gradients once a few rows; where another thread of the machine takes a core for a moment, every
// such wait costs a time slice (measured beside a busy loader: 10 to 100 times the time). So each
// thread takes images of its own and waits for none, wherever that shares the work evenly.
//
// LibTorch has another, slow implementation for 1x1 in fp32 on one thread, and for single images:
// those stay whole.
bool SplitsImages(const ConvolutionSpec& spec, const at::Tensor& images) {
  const std::int64_t count = images.size(0);
  const std::int64_t threads = at::get_num_threads();
  if (!images.is_cpu() || threads == 1 || count < 2 * threads) return false;
  if (spec.kernel == 1 && spec.stride == 1 && images.scalar_type() == at::kFloat) return false;
  return count % threads == 0 || count >= 4 * threads;
}

at::Tensor Images(const at::Tensor& tensor, IndexRange images) {
  return tensor.narrow(0, images.begin, images.size());
}

void ConvolveWhole(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
                   const at::Tensor& bias, at::Tensor* result) {
  PlacementScope scope;
  Place(result, &scope);
  const std::optional<at::Tensor> optional_bias =
      bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  Settle(at::convolution(input, weight, optional_bias, {spec.stride, spec.stride},
                         {spec.padding(), spec.padding()}, {spec.dilation, spec.dilation}, false,
                         {0, 0}, spec.groups),
         result);
}

// Returns the weight gradient as LibTorch gives it.
at::Tensor BackwardWhole(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                         const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                         bool wants_weight) {
  PlacementScope scope;
  Place(input_grad, &scope);
  auto [input_result, weight_result, bias_result] = at::convolution_backward(
      output_grad, input, weight, at::OptionalIntArrayRef(), {spec.stride, spec.stride},
      {spec.padding(), spec.padding()}, {spec.dilation, spec.dilation}, false, {0, 0}, spec.groups,
      {input_grad != nullptr, wants_weight, false});
  if (input_grad == nullptr) return weight_result;
  // LibTorch 2.13 allocates the input's gradient first. Were it the other way round, a weight
  // gradient of as many bytes would lie in the place of the input's.
  if (wants_weight && input_grad->defined() && weight_result.data_ptr() == input_grad->data_ptr())
    weight_result = weight_result.clone();
  Settle(input_result, input_grad);
  return weight_result;
}

// A tensor of the input's shape whose values do not matter.
at::Tensor InputShape(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                      const at::Tensor& input_grad) {
  if (input_grad.defined()) return input_grad;
  const Extent extent = spec.InputExtent({output_grad.size(2), output_grad.size(3)});
  return at::empty({1}, output_grad.options())
      .expand({output_grad.size(0), spec.in_channels, extent.height, extent.width});
}

}  // namespace

Extent ConvolutionSpec::OutputExtent(const Extent& input) const {
  const auto side = [this](std::int64_t size) {
    return (size + 2 * padding() - dilated_kernel()) / stride + 1;
  };
  return {side(input.height), side(input.width)};
}

Extent ConvolutionSpec::InputExtent(const Extent& output) const {
  const auto side = [this](std::int64_t size) {
    const std::int64_t least = (size - 1) * stride + dilated_kernel() - 2 * padding();
    return (least + stride - 1) / stride * stride;
  };
  return {side(output.height), side(output.width)};
}

std::int64_t ConvolutionSpec::MultiplyAdds(const Extent& input) const {
  return OutputExtent(input).area() * out_channels * (in_channels / groups) * kernel * kernel;
}

void Convolve(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
              const at::Tensor& bias, at::Tensor* result) {
  if (!SplitsImages(spec, input)) {
    ConvolveWhole(spec, input, weight, bias, result);
    return;
  }
  if (!result->defined()) {
    const Extent out = spec.OutputExtent({input.size(2), input.size(3)});
    *result = at::empty({input.size(0), spec.out_channels, out.height, out.width}, input.options(),
                        at::MemoryFormat::ChannelsLast);
  }
  ForEachStretch(input.size(0), [&](std::size_t, IndexRange images) {
    const OneThreadHere one_thread;
    at::Tensor mine = Images(*result, images);
    ConvolveWhole(spec, Images(input, images), weight, bias, &mine);
  });
}

void ConvolveBackward(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                      const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                      const at::Tensor& weight_grad) {
  const bool wants_weight = weight_grad.defined();
  if (input_grad == nullptr && !wants_weight) return;
  // Without a weight gradient only the shape and type of the input matter.
  const at::Tensor x = input.defined() ? input : InputShape(spec, output_grad, *input_grad);
  if (!SplitsImages(spec, output_grad)) {
    const at::Tensor dw = BackwardWhole(spec, output_grad, x, weight, input_grad, wants_weight);
    if (wants_weight) weight_grad.copy_(dw);
    return;
  }
  if (input_grad != nullptr && !input_grad->defined())
    *input_grad = at::empty(x.sizes(), output_grad.options(), at::MemoryFormat::ChannelsLast);
  std::vector<at::Tensor> parts(static_cast<std::size_t>(StretchCount(output_grad.size(0))));
  ForEachStretch(output_grad.size(0), [&](std::size_t i, IndexRange images) {
    const OneThreadHere one_thread;
    at::Tensor mine = input_grad != nullptr ? Images(*input_grad, images) : at::Tensor();
    parts[i] = BackwardWhole(spec, Images(output_grad, images), Images(x, images), weight,
                             input_grad != nullptr ? &mine : nullptr, wants_weight);
  });
  if (!wants_weight) return;
  at::Tensor sum = weight_grad;
  sum.copy_(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) sum.add_(parts[i]);
}

}  // namespace headroom
