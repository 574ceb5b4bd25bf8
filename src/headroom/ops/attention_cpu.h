// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/attention.h"

namespace headroom {

// Head by head, each thread with the weights of one head in its cache: memory does not grow with
// images or heads. Arithmetic in fp32 whatever the storage. CPU only.
class AttentionCpu : public Attention {
 public:
  using Attention::Attention;
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;
};

}  // namespace headroom
