// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"

namespace headroom {

// Nearest-neighbour upsampling by 2, straight into its destinations.
class Upsample : public Operation {
 public:
  explicit Upsample(std::int64_t channels) : channels_(channels) {}
  [[nodiscard]] std::string_view type() const override { return "upsample"; }
  [[nodiscard]] OperationTraits traits() const override {
    return {.inputs = {InputUse::kAny},
            .backward_reads = {false},
            .rematerialize_reads = {true},
            .passes_gradient = {false}};
  }
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override { return {channels_}; }
  [[nodiscard]] Extent OutputExtent(const Extent& input) const override {
    return {2 * input.height, 2 * input.width};
  }
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 private:
  const std::int64_t channels_;
};

}  // namespace headroom
