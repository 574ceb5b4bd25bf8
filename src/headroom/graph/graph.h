// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"
#include "headroom/graph/shape.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace headroom {

using ValueId = int;
using NodeId = int;

// What flows between operations. Three kinds: an operation's output (or the graph's input), a range
// of channels of another value, and a concatenation of values along the channels. The last two
// compute nothing: lowering makes producers write where consumers read.
struct Value {
  NodeId producer = -1;  // -1: the graph's input, a slice or a concatenation.
  int output_index = 0;
  std::int64_t channels = 0;
  ValueId slice_of = -1;
  std::int64_t first_channel = 0;
  std::vector<ValueId> parts;

  [[nodiscard]] bool is_slice() const { return slice_of >= 0; }
  [[nodiscard]] bool is_concat() const { return !parts.empty(); }
};

struct NodeInput {
  ValueId value = -1;
  bool stop_gradient = false;  // Detached: no gradient flows to the value from here.
};

struct Node {
  std::unique_ptr<Operation> operation;
  std::vector<NodeInput> inputs;
  std::vector<ValueId> outputs;
  std::string name;  // "model.2.m.0.cv1"
  int layer = 0;     // Index in the model YAML.
};

// A directed acyclic graph of operations in topological order (the order of insertion).
class Graph {
 public:
  // The image, uint8 [N, channels, H, W] channels last. Exactly once.
  ValueId AddInput(std::int64_t channels);
  // Returns the node's outputs.
  std::vector<ValueId> AddNode(std::unique_ptr<Operation> operation, std::vector<NodeInput> inputs,
                               std::string name, int layer);
  ValueId Slice(ValueId value, std::int64_t first_channel, std::int64_t channels);
  ValueId Concat(std::vector<ValueId> parts);
  // Outputs are kept to the end of forward; backward starts from their gradients, in this order.
  void MarkOutput(ValueId value);

  [[nodiscard]] const Value& value(ValueId id) const {
    return values_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] std::span<const Value> values() const { return values_; }
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const ValueId> outputs() const { return outputs_; }
  [[nodiscard]] ValueId input() const { return 0; }

  // Height and width of every value for an image of this extent.
  [[nodiscard]] std::vector<Extent> InferExtents(const Extent& image) const;

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> outputs_;
};

}  // namespace headroom
