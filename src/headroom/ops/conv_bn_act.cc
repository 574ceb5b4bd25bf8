// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/conv_bn_act.h"

#include <ATen/ATen.h>

namespace headroom {

OperationTraits ConvBnAct::traits() const {
  OperationTraits traits{
      .saves = true, .rematerializes_from_saved = true, .allocates_input_grads = true};
  traits.inputs = {InputUse::kDense};
  traits.backward_reads = {true};
  traits.rematerialize_reads = {false};
  traits.passes_gradient = {false};
  if (spec_.residual) {
    traits.inputs.push_back(InputUse::kAny);
    traits.backward_reads.push_back(false);
    traits.rematerialize_reads.push_back(true);
    traits.passes_gradient.push_back(true);
  }
  return traits;
}

std::vector<int> ConvBnAct::ParameterIndices() const {
  return {spec_.weight, spec_.norm.weight, spec_.norm.bias};
}

const at::Tensor& ConvBnAct::Mean(const OperationCall& call) const {
  return call.norm == NormMode::kBatch ? call.parameters->moment_view(spec_.norm.mean)
                                       : call.parameters->running_view(spec_.norm.mean);
}

void ConvBnAct::PrepareNorm(OperationCall& call) const {
  ParameterStore& parameters = *call.parameters;
  if (call.norm == NormMode::kBatch) {
    if (call.reuse_moments) return;
    Moments(*call.saved, parameters);
  }
  const at::Tensor& variance = call.norm == NormMode::kBatch
                                   ? parameters.moment_view(spec_.norm.variance)
                                   : parameters.running_view(spec_.norm.variance);
  at::Tensor inverse_std = parameters.inverse_std_view(spec_.norm.variance);
  at::add_out(inverse_std, variance, spec_.norm_epsilon).rsqrt_();
}

void ConvBnAct::Forward(OperationCall& call) const {
  ForwardConvolution(call.inputs[0], Weight(*call.parameters), call.saved);
  PrepareNorm(call);
  if (!call.outputs[0].empty()) Activate(call);
}

void ConvBnAct::Rematerialize(OperationCall& call) const { Activate(call); }

const at::Tensor& ConvBnAct::Weight(const ParameterStore& parameters) const {
  return parameters.compute_value(spec_.weight);
}

void ConvBnAct::ForwardConvolution(const at::Tensor& input, const at::Tensor& weight,
                                   at::Tensor* output) const {
  Convolve(spec_.convolution, input, weight, {}, output);
}

void ConvBnAct::BackwardConvolution(const at::Tensor& output_grad, const at::Tensor& input,
                                    const at::Tensor& weight, at::Tensor* input_grad,
                                    const at::Tensor& weight_grad) const {
  ConvolveBackward(spec_.convolution, output_grad, input, weight, input_grad, weight_grad);
}

void ConvBnAct::Backward(OperationCall& call) const {
  BackwardNorm(call);
  ParameterStore& parameters = *call.parameters;
  BackwardConvolution(*call.saved, call.inputs[0], Weight(parameters), call.input_grads[0],
                      call.weight_grads ? parameters.gradient(spec_.weight) : at::Tensor());
}

}  // namespace headroom
