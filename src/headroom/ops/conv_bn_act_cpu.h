// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/conv_bn_act_reference.h"

namespace headroom {

// The passes over y with the vectorised kernels: statistics in one read, normalise + activate into
// all destinations in one pass, backward in two passes that sum the gradients' sources while they
// read and overwrite y. CPU only. The result depends on the number of threads (sums are per thread)
// and on nothing else. Beside the convolution
// (convolution_cpu.h) it allocates nothing once its per-thread sums have met the widest layer.
class ConvBnActCpu : public ConvBnActReference {
 public:
  using ConvBnActReference::ConvBnActReference;
  [[nodiscard]] Bytes Workspace(const MapShape& /*input*/, Element /*activation*/) const override {
    return {};
  }

 protected:
  void Moments(const at::Tensor& y, ParameterStore& parameters) const override;
  void Activate(OperationCall& call) const override;
  void BackwardNorm(OperationCall& call) const override;
  [[nodiscard]] const at::Tensor& Weight(const ParameterStore& parameters) const override;
  void ForwardConvolution(const at::Tensor& input, const at::Tensor& weight,
                          at::Tensor* output) const override;
  void BackwardConvolution(const at::Tensor& output_grad, const at::Tensor& input,
                           const at::Tensor& weight, at::Tensor* input_grad,
                           const at::Tensor& weight_grad) const override;
};

}  // namespace headroom
