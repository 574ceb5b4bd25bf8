// SPDX-License-Identifier: Apache-2.0
#pragma once

// graph/ knows that a network is operations on values, when each value lives and where it lies. It
// knows nothing of what an operation computes. An operation states its output, what its backward
// reads, and gives forward and backward; lowering.h turns a graph into a program of such calls on
// planned buffers, executor.h runs it, and the plan's figures are the program's own.

#include "headroom/core/bytes.h"
#include "headroom/graph/shape.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace headroom {

class ParameterStore;

// Whose batch statistics a batch-norm uses.
enum class NormMode : std::uint8_t {
  kBatch,    // Training: the micro-batch's own, written to the store's moments.
  kRunning,  // Evaluation, and frozen layers: the running ones.
};

// How an operation reads one of its inputs.
enum class InputUse : std::uint8_t {
  kDense,  // A tensor of exactly these channels (convolutions: LibTorch copies a channel slice).
  kAny,    // A channel slice of a wider row will do.
};

// What the planner must know of an operation.
struct OperationTraits {
  // The operation keeps one tensor of its own from forward to backward (a convolution's raw
  // output).
  bool saves = false;
  // Outputs can be computed again from the saved tensor (and from inputs marked in
  // rematerialize_reads) without the operation's expensive part.
  bool rematerializes_from_saved = false;
  std::vector<InputUse> inputs;           // One an input.
  std::vector<bool> backward_reads;       // Inputs that backward reads.
  std::vector<bool> rematerialize_reads;  // Inputs that Rematerialize reads.
  // Inputs whose gradient equals the output's: nothing is computed, the sources are shared.
  std::vector<bool> passes_gradient;
  // LibTorch allocates the input gradients itself (convolutions). On a CPU they are placed in the
  // arena all the same (memory/placement.h); elsewhere its own allocator holds them.
  bool allocates_input_grads = false;
};

// Channels [first_channel, first_channel + tensor.size(1)) of an output (or of its gradient).
// The tensor is [N, c, H, W], channels last, possibly a channel slice of wider rows.
struct ChannelTensor {
  at::Tensor tensor;
  std::int64_t first_channel = 0;
};

// One call of an operation. The tensors are bound once a plan; calls allocate nothing of their own
// but what LibTorch allocates inside a convolution.
struct OperationCall {
  std::vector<at::Tensor> inputs;                   // Undefined where not read by this call.
  std::vector<std::vector<ChannelTensor>> outputs;  // Destinations, forward and rematerialize.
  at::Tensor* saved = nullptr;                      // Written by forward, consumed by backward.
  std::vector<std::vector<ChannelTensor>> output_grads;  // Sources that are summed, backward.
  std::vector<at::Tensor*> input_grads;                  // Null where no gradient is wanted.
  ParameterStore* parameters = nullptr;
  NormMode norm = NormMode::kBatch;
  // A forward that runs again in backward: batch moments are those of the first run.
  bool reuse_moments = false;
  // Backward accumulates into the store's micro-batch gradients when true (false: frozen layer).
  bool weight_grads = true;
};

// A kind of operation with its attributes, shared by every call. Stateless between calls: what a
// call keeps lies in its tensors and in the parameter store. Not thread-safe against itself.
class Operation {
 public:
  virtual ~Operation() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual OperationTraits traits() const = 0;
  // Channels of each output.
  [[nodiscard]] virtual std::vector<std::int64_t> OutputChannels() const = 0;
  [[nodiscard]] virtual Extent OutputExtent(const Extent& input) const { return input; }
  // Channels of the saved tensor; its extent is the output's.
  [[nodiscard]] virtual std::int64_t SavedChannels() const { return 0; }
  // Storage of the outputs where the run stores activations as `activation`.
  [[nodiscard]] virtual Element OutputElement(Element activation) const { return activation; }
  // Most bytes that a call allocates beyond its operands (temporaries of LibTorch apart from the
  // convolutions' own scratch, which is measured).
  [[nodiscard]] virtual Bytes Workspace(const MapShape& input, Element activation) const {
    (void)input;
    (void)activation;
    return {};
  }
  // Multiply-adds of one image, for the layer table and the profiler.
  [[nodiscard]] virtual std::int64_t MultiplyAdds(const Extent& input) const {
    (void)input;
    return 0;
  }
  // True when the operation has parameters (a frozen layer's are not trained).
  [[nodiscard]] virtual std::vector<int> ParameterIndices() const { return {}; }

  virtual void Forward(OperationCall& call) const = 0;
  virtual void Rematerialize(OperationCall& call) const { Forward(call); }
  virtual void Backward(OperationCall& call) const = 0;
};

}  // namespace headroom
