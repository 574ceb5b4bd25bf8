// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/graph/graph.h"
#include "headroom/graph/shape.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// What is computed again in backward instead of being kept from forward.
enum class Recompute : std::uint8_t {
  kNone,         // Keep every operand that backward reads.
  kActivations,  // Keep what an operation saves; normalise, activate, concatenate, pool again.
  kBlocks,       // Keep the layers' inputs; run the layers' forward again, convolutions included.
};

enum class Purpose : std::uint8_t { kTraining, kInference };

// What a program is made for.
struct ProgramOptions {
  Purpose purpose = Purpose::kTraining;
  std::int64_t images = 1;  // Of the micro-batch.
  Extent extent;
  Element activation = Element::kFloat32;
  Recompute recompute = Recompute::kActivations;
  // The results of convolutions get a place in the arena (CPU), or LibTorch's allocator holds them.
  bool place_foreign = true;
  // Layers whose parameters are trained; empty: all. Index: layer of the model YAML.
  std::vector<bool> trained_layers;
  // Graph outputs that are computed, by position; empty: all. What only others need is left out.
  std::vector<bool> wanted_outputs;
};

// A stretch of memory with a first and a last use (instruction indices, both included).
struct Buffer {
  MapShape shape;
  Element element = Element::kFloat32;
  int first_use = 0;
  int last_use = 0;
  std::int64_t offset = -1;  // Bytes from the arena's start; -1: not in the arena.
  bool foreign = false;      // LibTorch allocates it inside the instruction of its first use.

  [[nodiscard]] Bytes bytes() const {
    return Bytes::Of(static_cast<std::uint64_t>(shape.elements()), SizeOf(element));
  }
};

// Channels [first_channel, first_channel + channels) of a buffer. buffer -1: nothing.
struct View {
  int buffer = -1;
  std::int64_t first_channel = 0;
  std::int64_t channels = 0;
  [[nodiscard]] explicit operator bool() const { return buffer >= 0; }
};

// A view that holds the channels of a value from `value_channel` on.
struct ValueView {
  View view;
  std::int64_t value_channel = 0;
};

enum class InstructionKind : std::uint8_t {
  kForward,
  kRecomputeForward,  // Forward again, with the first run's batch moments.
  kRematerialize,
  kLoss,  // The caller computes the outputs' gradients.
  kBackward,
  kCopy,          // inputs[0] -> outputs[0][0]
  kSumGradients,  // output_grads[0] -> outputs[0][0]
};

struct Instruction {
  InstructionKind kind = InstructionKind::kForward;
  NodeId node = -1;
  std::vector<View> inputs;
  std::vector<std::vector<ValueView>> outputs;
  int saved = -1;
  std::vector<std::vector<ValueView>> output_grads;
  std::vector<View> input_grads;
};

// A straight list of operation calls on buffers with planned lifetimes and places. The memory plan
// reads its figures; the executor runs it: there is no second set of formulas.
struct Program {
  ProgramOptions options;
  std::vector<Instruction> instructions;
  std::vector<Buffer> buffers;
  int input_buffer = -1;
  std::vector<View> outputs;       // In the order of Graph::outputs(); unwanted ones are empty.
  std::vector<View> output_grads;  // Training only; fp32.
  int loss_instruction = -1;       // Inference: the number of instructions.
  Bytes arena;
  Bytes workspace;  // Most that one call allocates beside its operands.
};

// Lowers a graph: decides where every value lies and when it is computed again, then places the
// buffers. Deterministic; milliseconds; no data is touched.
[[nodiscard]] Program Lower(const Graph& graph, const ProgramOptions& options);

}  // namespace headroom
