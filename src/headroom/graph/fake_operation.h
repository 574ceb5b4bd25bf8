// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/check.h"
#include "headroom/graph/operation.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace headroom::testing {

// An operation that says what it needs and computes nothing: enough for placement and lowering.
struct FakeSpec {
  std::string type;
  std::vector<std::int64_t> channels;  // Of each output.
  OperationTraits traits;
  int shrink = 1, grow = 1;  // Of height and width.
  bool parameters = false;
};

class FakeOperation : public Operation {
 public:
  explicit FakeOperation(FakeSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] std::string_view type() const override { return spec_.type; }
  [[nodiscard]] OperationTraits traits() const override { return spec_.traits; }
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override { return spec_.channels; }
  [[nodiscard]] Extent OutputExtent(const Extent& in) const override {
    return {in.height / spec_.shrink * spec_.grow, in.width / spec_.shrink * spec_.grow};
  }
  [[nodiscard]] std::int64_t SavedChannels() const override {
    return spec_.traits.saves ? spec_.channels[0] : 0;
  }
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element /*activation*/) const override {
    return Bytes(static_cast<std::uint64_t>(input.channels));
  }
  [[nodiscard]] std::vector<int> ParameterIndices() const override {
    return spec_.parameters ? std::vector<int>{0} : std::vector<int>{};
  }
  void Forward(OperationCall& /*call*/) const override {
    HEADROOM_CHECK(false, "nothing is computed here");
  }
  void Backward(OperationCall& call) const override { Forward(call); }

 private:
  FakeSpec spec_;
};

// A convolution with what follows it: keeps its raw result, from which its output is made again.
// With a residual its second input is added, and takes the output's gradient as it is.
inline std::unique_ptr<Operation> FakeConvolution(std::int64_t channels, int stride = 1,
                                                  bool residual = false) {
  FakeSpec spec{.type = "convolution", .channels = {channels}, .shrink = stride};
  spec.parameters = true;
  spec.traits = {.saves = true,
                 .rematerializes_from_saved = true,
                 .inputs = {InputUse::kDense},
                 .backward_reads = {true},
                 .rematerialize_reads = {false},
                 .passes_gradient = {false},
                 .allocates_input_grads = true};
  if (residual) {
    spec.traits.inputs.push_back(InputUse::kAny);
    spec.traits.backward_reads.push_back(false);
    spec.traits.rematerialize_reads.push_back(true);
    spec.traits.passes_gradient.push_back(true);
  }
  return std::make_unique<FakeOperation>(std::move(spec));
}

// Saves nothing and has parameters: the end of a head.
inline std::unique_ptr<Operation> FakeProjection(std::int64_t channels) {
  FakeSpec spec{.type = "projection", .channels = {channels}};
  spec.parameters = true;
  spec.traits = {.inputs = {InputUse::kDense},
                 .backward_reads = {true},
                 .rematerialize_reads = {true},
                 .passes_gradient = {false},
                 .allocates_input_grads = true};
  return std::make_unique<FakeOperation>(std::move(spec));
}

// Saves nothing, has no parameters and takes any channel slice. `reads`: backward reads the input.
inline std::unique_ptr<Operation> FakePass(std::vector<std::int64_t> channels, bool reads,
                                           int grow = 1) {
  FakeSpec spec{.type = "pass", .channels = std::move(channels), .grow = grow};
  spec.traits = {.inputs = {InputUse::kAny},
                 .backward_reads = {reads},
                 .rematerialize_reads = {true},
                 .passes_gradient = {false}};
  return std::make_unique<FakeOperation>(std::move(spec));
}

}  // namespace headroom::testing
