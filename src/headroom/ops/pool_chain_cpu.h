// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/ops/pool_chain.h"

namespace headroom {

// Pools straight into the destination; backward finds the winners again from the input, and keeps
// the gradient in fp32 between the pools. CPU only.
class PoolChainCpu : public PoolChain {
 public:
  using PoolChain::PoolChain;
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;
};

}  // namespace headroom
