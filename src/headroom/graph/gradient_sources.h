// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/program.h"

#include <cstdint>
#include <vector>

namespace headroom {

// Operations sum up to this many gradients of one output on the fly.
inline constexpr std::size_t kMaxGradientSources = 4;

// The gradients that readers have left for each value. A gradient is a list of read-only sources
// that the producer sums while it reads them: concatenations, slices and residual additions pass
// views on and copy nothing.
class GradientSources {
 public:
  explicit GradientSources(const Graph& graph) : graph_(graph), sources_(graph.values().size()) {}

  // `view` holds the gradient of the value's channels from `value_channel` on.
  void Add(ValueId value, const View& view, std::int64_t value_channel);
  // The sources of an operation's output, which is done with them.
  [[nodiscard]] std::vector<ValueView> Take(ValueId output);
  // Whether any output of the node has a source.
  [[nodiscard]] bool Any(NodeId node) const;

 private:
  const Graph& graph_;
  std::vector<std::vector<ValueView>> sources_;  // By operation output.
};

}  // namespace headroom
