// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/conv_bn_act_reference.h"

#include "headroom/ops/channel_tensors.h"

#include <ATen/ATen.h>

namespace headroom {
namespace {

at::Tensor PerChannel(const at::Tensor& vector) { return vector.view({1, -1, 1, 1}); }

at::Tensor ApplyActivation(const ConvBnActSpec& spec, const at::Tensor& z) {
  switch (spec.activation) {
    case Activation::kIdentity:
      return z;
    case Activation::kSilu:
      return at::silu(z);
    case Activation::kRelu:
      return at::relu(z);
    case Activation::kLeakyRelu:
      return at::leaky_relu(z, spec.negative_slope);
    case Activation::kHardswish:
      return at::hardswish(z);
  }
  return z;
}

// The gradient of z where that of the activation is `da`.
at::Tensor ActivationBackward(const ConvBnActSpec& spec, const at::Tensor& da,
                              const at::Tensor& z) {
  switch (spec.activation) {
    case Activation::kIdentity:
      return da;
    case Activation::kSilu:
      return at::silu_backward(da, z);
    case Activation::kRelu:
      return at::threshold_backward(da, z, 0);
    case Activation::kLeakyRelu:
      return at::leaky_relu_backward(da, z, spec.negative_slope, false);
    case Activation::kHardswish:
      return at::hardswish_backward(da, z);
  }
  return da;
}

at::Tensor ChannelSums(const at::Tensor& t) { return t.sum({0, 2, 3}, false, at::kDouble); }

}  // namespace

Bytes ConvBnActReference::Workspace(const MapShape& input, Element /*activation*/) const {
  const MapShape y{input.images, SavedChannels(), OutputExtent(input.extent)};
  return Bytes::Of(static_cast<std::uint64_t>(y.elements()), 4 * 6);
}

void ConvBnActReference::Moments(const at::Tensor& y, ParameterStore& parameters) const {
  const at::Tensor wide = y.to(at::kFloat);
  const auto rows = static_cast<double>(y.numel() / y.size(1));
  const at::Tensor mean = ChannelSums(wide) / rows;
  const at::Tensor centred = wide - PerChannel(mean.to(at::kFloat));
  parameters.moment_view(spec().norm.mean).copy_(mean);
  parameters.moment_view(spec().norm.variance).copy_(ChannelSums(centred * centred) / rows);
}

at::Tensor ConvBnActReference::Normalized(const OperationCall& call) const {
  return (call.saved->to(at::kFloat) - PerChannel(Mean(call))) * PerChannel(InverseStd(call));
}

void ConvBnActReference::Activate(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  at::Tensor out = Normalized(call) * PerChannel(parameters.value(spec().norm.weight)) +
                   PerChannel(parameters.value(spec().norm.bias));
  out = ApplyActivation(spec(), out);
  if (spec().residual) out = out + call.inputs[1];
  WriteTo(call.outputs[0], out);
}

// Batch-norm's gradient (Ioffe and Szegedy 2015, sec. 3) with the activation's in front of it.
void ConvBnActReference::BackwardNorm(OperationCall& call) const {
  const ParameterStore& parameters = *call.parameters;
  const at::Tensor& gamma = parameters.value(spec().norm.weight);
  const at::Tensor normalized = Normalized(call);
  at::Tensor dz = SumOf(call.output_grads[0], call.saved->sizes(), call.saved->options());
  if (spec().activation != Activation::kIdentity) {
    dz = ActivationBackward(
        spec(), dz,
        normalized * PerChannel(gamma) + PerChannel(parameters.value(spec().norm.bias)));
  }
  const at::Tensor d_beta = ChannelSums(dz);
  const at::Tensor d_gamma = ChannelSums(dz * normalized);
  const at::Tensor scale = PerChannel(gamma * InverseStd(call));
  if (call.norm == NormMode::kBatch) {
    const auto rows = static_cast<double>(dz.numel() / dz.size(1));
    dz = dz - PerChannel((d_beta / rows).to(at::kFloat)) -
         normalized * PerChannel((d_gamma / rows).to(at::kFloat));
  }
  call.saved->copy_(dz * scale);
  if (!call.weight_grads) return;
  parameters.gradient(spec().norm.weight).copy_(d_gamma);
  parameters.gradient(spec().norm.bias).copy_(d_beta);
}

}  // namespace headroom
