// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/folded_convolution.h"

#include <ATen/ATen.h>

#include <span>

namespace headroom {
namespace {

TensorData HostCopy(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
  return TensorData::FromFloats(
      host.sizes().vec(), {host.const_data_ptr<float>(), static_cast<std::size_t>(host.numel())});
}

}  // namespace

FoldedConvolution Fold(const ConvBnAct& operation, const ParameterStore& parameters,
                       const std::string& name) {
  const ConvBnActSpec& spec = operation.spec();
  const at::Tensor variance = parameters.running_view(spec.norm.variance).to(at::kDouble);
  const at::Tensor scale =
      parameters.value(spec.norm.weight).to(at::kDouble) / (variance + spec.norm_epsilon).sqrt();
  const at::Tensor bias = parameters.value(spec.norm.bias).to(at::kDouble) -
                          parameters.running_view(spec.norm.mean).to(at::kDouble) * scale;
  const at::Tensor weight =
      parameters.value(spec.weight).to(at::kDouble) * scale.view({-1, 1, 1, 1});
  return {spec.convolution, name, HostCopy(weight), HostCopy(bias)};
}

FoldedConvolution Fold(const ConvBias& operation, const ParameterStore& parameters,
                       const std::string& name) {
  return {operation.convolution(), name, HostCopy(parameters.value(operation.weight())),
          HostCopy(parameters.value(operation.bias()))};
}

}  // namespace headroom
