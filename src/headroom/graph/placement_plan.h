// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// Channels of an operation's output (or of the graph's input): what slices and concatenations
// come down to.
struct ChannelRange {
  ValueId root = -1;
  std::int64_t first = 0;
  std::int64_t count = 0;
  [[nodiscard]] bool Contains(const ChannelRange& other) const {
    return root == other.root && first <= other.first && other.first + other.count <= first + count;
  }
  friend bool operator==(const ChannelRange&, const ChannelRange&) = default;
};

// Somewhere that a producer writes channels of its output to.
struct Place {
  ChannelRange range;
  std::size_t dense = 0;            // Index of the dense tensor, when concat is -1.
  ValueId concat = -1;              // The concatenation whose buffer it is part of.
  std::int64_t concat_channel = 0;  // First channel there.
  [[nodiscard]] bool is_dense() const { return concat < 0; }
};

struct ConcatPart {
  ChannelRange range;
  std::int64_t concat_channel = 0;
};

// Where every value must lie for its readers, from the graph alone: one dense tensor for each range
// that a convolution reads, one slot in each concatenation that is read, and a dense tensor for
// what would else have no place. Only nodes that the wanted outputs need count as readers.
class PlacementPlan {
 public:
  // wanted_outputs: by position in Graph::outputs(); empty: all.
  PlacementPlan(const Graph& graph, const std::vector<bool>& wanted_outputs);

  [[nodiscard]] bool Needed(NodeId node) const { return needed_[static_cast<std::size_t>(node)]; }

  // The range behind an output or a slice. Not for concatenations.
  [[nodiscard]] ChannelRange Resolve(ValueId value) const;
  // The ranges behind any value, in channel order.
  [[nodiscard]] std::vector<ChannelRange> Flatten(ValueId value) const;
  [[nodiscard]] std::span<const Place> places(ValueId root) const {
    return places_[static_cast<std::size_t>(root)];
  }
  // Parts of a concatenation; neighbours of one root are one part.
  [[nodiscard]] const std::vector<ConcatPart>& parts(ValueId concat) const {
    return parts_[static_cast<std::size_t>(concat)];
  }
  // Index of the dense tensor of exactly this range.
  [[nodiscard]] std::size_t DenseOf(const ChannelRange& range) const;
  [[nodiscard]] std::size_t dense_count() const { return dense_count_; }

 private:
  void AddDense(const ChannelRange& range);
  void AddConcat(ValueId concat);
  void CoverLooseReaders();
  void FindNeeded(const std::vector<bool>& wanted_outputs);

  const Graph& graph_;
  std::vector<bool> needed_;
  std::vector<std::vector<Place>> places_;
  std::vector<std::vector<ConcatPart>> parts_;
  std::size_t dense_count_ = 0;
};

}  // namespace headroom
