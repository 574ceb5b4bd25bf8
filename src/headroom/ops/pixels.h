// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"

namespace headroom {

// uint8 pixels to activations in [0, 1]. Being an operation, it is made again in backward like any
// other value instead of being kept in float.
class Pixels : public Operation {
 public:
  explicit Pixels(std::int64_t channels) : channels_(channels) {}
  [[nodiscard]] std::string_view type() const override { return "pixels"; }
  [[nodiscard]] OperationTraits traits() const override {
    return {.inputs = {InputUse::kDense},
            .backward_reads = {false},
            .rematerialize_reads = {true},
            .passes_gradient = {false}};
  }
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override { return {channels_}; }
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 private:
  const std::int64_t channels_;
};

}  // namespace headroom
