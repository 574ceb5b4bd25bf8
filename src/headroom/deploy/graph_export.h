// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_writer.h"
#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// Writes the part of a graph that given values need, in the graph's order.
class GraphExport {
 public:
  // Extents of every value: Graph::InferExtents (only their names matter in a network of free
  // size).
  GraphExport(const Graph& graph, const ParameterStore& parameters, std::vector<Extent> extents,
              NetworkWriter& writer);

  void Write(std::span<const ValueId> wanted);
  // Of a value that was written.
  [[nodiscard]] TensorName Name(ValueId value);

 private:
  void MarkNeeded(ValueId value, std::vector<bool>* nodes) const;
  void WriteNode(const Node& node);
  [[nodiscard]] TensorName WriteConvBnAct(const ConvBnAct& operation, const Node& node);
  void WriteAttention(const Node& node);
  [[nodiscard]] TensorName WritePools(const TensorName& x, std::int64_t kernel, std::int64_t pools);
  [[nodiscard]] TensorName NameOfSlice(const Value& slice);
  [[nodiscard]] const Extent& ExtentOf(ValueId value) const {
    return extents_[static_cast<std::size_t>(value)];
  }

  // A value that slices are taken of, cut at every slice's ends.
  struct Pieces {
    std::vector<std::int64_t> begins;  // First channels.
    std::vector<TensorName> names;
  };
  [[nodiscard]] const Pieces& PiecesOf(ValueId value);

  const Graph& graph_;
  const ParameterStore& parameters_;
  std::vector<Extent> extents_;
  NetworkWriter& writer_;
  std::map<ValueId, TensorName> names_;
  std::map<ValueId, Pieces> pieces_;
};

}  // namespace headroom
