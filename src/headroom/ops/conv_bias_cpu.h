// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/conv_bias.h"

namespace headroom {

// The passes beside the convolution with the row kernels: bias and conversion of a bf16 result in
// one; the bias's gradient and the bf16 copy of the map's gradient. CPU only.
class ConvBiasCpu : public ConvBias {
 public:
  using ConvBias::ConvBias;
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;
};

}  // namespace headroom
