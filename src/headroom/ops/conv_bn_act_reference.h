// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/conv_bn_act.h"

namespace headroom {

// The obvious implementation in plain ATen operations: every device; the twin and the oracle.
// Arithmetic in fp32 whatever the storage; about four temporaries of y's size in fp32.
class ConvBnActReference : public ConvBnAct {
 public:
  using ConvBnAct::ConvBnAct;
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;

 protected:
  void Moments(const at::Tensor& y, ParameterStore& parameters) const override;
  void Activate(OperationCall& call) const override;
  void BackwardNorm(OperationCall& call) const override;

 private:
  [[nodiscard]] at::Tensor Normalized(const OperationCall& call) const;
};

}  // namespace headroom
