// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"

namespace headroom {

// SPPF's chain: p1 = pool(x), p2 = pool(p1), ... pn, one output of n * C channels [p1, p2, .., pn].
// Max-pooling, stride 1, padding kernel / 2; on ties the first in scan order wins, as in LibTorch.
class PoolChain : public Operation {
 public:
  PoolChain(std::int64_t channels, std::int64_t kernel, std::int64_t pools)
      : channels_(channels), kernel_(kernel), pools_(pools) {}
  [[nodiscard]] std::string_view type() const override { return "pool_chain"; }
  [[nodiscard]] OperationTraits traits() const override {
    return {.inputs = {InputUse::kAny},
            .backward_reads = {true},
            .rematerialize_reads = {true},
            .passes_gradient = {false}};
  }
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override {
    return {channels_ * pools_};
  }
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  [[nodiscard]] std::int64_t kernel() const { return kernel_; }
  [[nodiscard]] std::int64_t pools() const { return pools_; }
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 private:
  const std::int64_t channels_;
  const std::int64_t kernel_;
  const std::int64_t pools_;
};

}  // namespace headroom
