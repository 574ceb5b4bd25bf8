// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/convolution.h"

#include "headroom/memory/placement.h"

#include <ATen/ATen.h>

#include <array>
#include <optional>

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

}  // namespace

Extent ConvolutionSpec::OutputExtent(const Extent& input) const {
  const auto side = [this](std::int64_t size) {
    return (size + 2 * padding() - kernel) / stride + 1;
  };
  return {side(input.height), side(input.width)};
}

std::int64_t ConvolutionSpec::MultiplyAdds(const Extent& input) const {
  return OutputExtent(input).area() * out_channels * (in_channels / groups) * kernel * kernel;
}

void Convolve(const ConvolutionSpec& spec, const at::Tensor& input, const at::Tensor& weight,
              const at::Tensor& bias, at::Tensor* result) {
  PlacementScope scope;
  Place(result, &scope);
  const std::optional<at::Tensor> optional_bias =
      bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  Settle(at::convolution(input, weight, optional_bias, {spec.stride, spec.stride},
                         {spec.padding(), spec.padding()}, {1, 1}, false, {0, 0}, spec.groups),
         result);
}

void ConvolveBackward(const ConvolutionSpec& spec, const at::Tensor& output_grad,
                      const at::Tensor& input, const at::Tensor& weight, at::Tensor* input_grad,
                      const at::Tensor& weight_grad) {
  const bool wants_weight = weight_grad.defined();
  if (input_grad == nullptr && !wants_weight) return;
  // Without a weight gradient only the shape and type of the input matter.
  at::Tensor shape = input;
  if (!shape.defined()) {
    shape = at::empty({1}, output_grad.options())
                .expand({output_grad.size(0), spec.in_channels, output_grad.size(2) * spec.stride,
                         output_grad.size(3) * spec.stride});
    if (input_grad->defined()) shape = *input_grad;
  }
  PlacementScope scope;
  Place(input_grad, &scope);
  const auto [input_result, weight_result, bias_result] = at::convolution_backward(
      output_grad, shape, weight, at::OptionalIntArrayRef(), {spec.stride, spec.stride},
      {spec.padding(), spec.padding()}, {1, 1}, false, {0, 0}, spec.groups,
      {input_grad != nullptr, wants_weight, false});
  if (input_grad != nullptr) Settle(input_result, input_grad);
  if (wants_weight) weight_grad.copy_(weight_result);
}

}  // namespace headroom
