// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/conv_bias.h"

#include "headroom/core/check.h"

#include <ATen/ATen.h>

namespace headroom {

OperationTraits ConvBias::traits() const {
  return {.inputs = {InputUse::kDense},
          .backward_reads = {true},
          .rematerialize_reads = {true},
          .passes_gradient = {false},
          .allocates_input_grads = true};
}

Bytes ConvBias::Workspace(const MapShape& input, Element activation) const {
  const MapShape out{input.images, convolution_.out_channels, OutputExtent(input.extent)};
  return Bytes::Of(static_cast<std::uint64_t>(out.elements()), SizeOf(activation));
}

void ConvBias::Forward(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  const at::Tensor& weight = parameters.compute_value(weight_);
  at::Tensor& destination = call.outputs[0][0].tensor;
  // The bias is added in fp32; in fp32 LibTorch adds it inside the convolution, straight in place.
  if (weight.scalar_type() == at::kFloat) {
    Convolve(convolution_, call.inputs[0], weight, parameters.value(bias_), &destination);
    return;
  }
  at::Tensor raw;
  Convolve(convolution_, call.inputs[0], weight, {}, &raw);
  destination.copy_(raw).add_(parameters.value(bias_).view({1, -1, 1, 1}));
}

void ConvBias::Backward(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  // A head map has one reader, the loss.
  HEADROOM_CHECK(call.output_grads[0].size() == 1, "a head map with several readers");
  const at::Tensor& grad = call.output_grads[0][0].tensor;
  const at::Tensor& weight = parameters.compute_value(weight_);
  ConvolveBackward(convolution_, grad.to(weight.scalar_type()), call.inputs[0], weight,
                   call.input_grads[0],
                   call.weight_grads ? parameters.gradient(weight_) : at::Tensor());
  if (call.weight_grads) parameters.gradient(bias_).copy_(grad.sum({0, 2, 3}, false, at::kDouble));
}

}  // namespace headroom
