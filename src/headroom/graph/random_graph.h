// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/graph/fake_operation.h"
#include "headroom/graph/graph.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace headroom::testing {

// A network of random operations and connections: residuals, splits, concatenations (of slices, of
// concatenations, of one value twice), pooling, upsampling, operations of two outputs, several
// heads, detached inputs. The image must be a multiple of 8 high and wide.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed) : rng_(Rng(seed).Fork(3, 4)) {
    Add(FakePass({3}, false), {{graph.AddInput(3)}}, 0);
    Add(FakeConvolution(4), {{values_.back().id}}, 0);
    const int nodes = static_cast<int>(rng_.Integer(3, 14));
    for (int i = 0; i < nodes; ++i) {
      if (rng_.Integer(0, 1) == 0) ++layer_;
      AddSomething();
    }
    const int heads = static_cast<int>(rng_.Integer(1, 3));
    ++layer_;
    for (int i = 0; i < heads; ++i) {
      const bool detached = rng_.Integer(0, 4) == 0;
      const Known from = i == 0 ? values_.back() : Pick();
      graph.MarkOutput(Node(FakeProjection(2), {{from.id, detached}})[0]);
    }
  }

  [[nodiscard]] int layers() const { return layer_ + 1; }

  Graph graph;

 private:
  struct Known {
    ValueId id;
    int level;  // How often it was halved.
  };

  std::vector<ValueId> Node(std::unique_ptr<Operation> operation, std::vector<NodeInput> inputs) {
    return graph.AddNode(std::move(operation), std::move(inputs),
                         "node " + std::to_string(graph.nodes().size()), layer_);
  }
  void Add(std::unique_ptr<Operation> operation, std::vector<NodeInput> inputs, int level) {
    for (const ValueId output : Node(std::move(operation), std::move(inputs)))
      values_.push_back({output, level});
  }

  // Later values more often.
  Known Pick() {
    const auto last = static_cast<std::int64_t>(values_.size()) - 1;
    const std::int64_t back = std::min(rng_.Integer(0, last), rng_.Integer(0, last));
    // Never the pixels: only what is computed with parameters or from such.
    return values_[static_cast<std::size_t>(std::max<std::int64_t>(1, last - back))];
  }

  void AddSomething() {
    const Known from = Pick();
    const std::int64_t channels = graph.value(from.id).channels;
    switch (rng_.Integer(0, 7)) {
      case 0:
        return AddConvolution(from);
      case 1:
        return AddResidual(from);
      case 2:
        return AddSplit(from);
      case 3:
      case 4:
        return AddConcat(from);
      case 5:
        return Add(FakePass({2 * channels}, true), {{from.id}}, from.level);
      case 6:
        if (from.level == 0) return AddConvolution(from);
        return Add(FakePass({channels}, false, 2), {{from.id}}, from.level - 1);
      default:
        return Add(FakePass({2, 3}, true), {{from.id}}, from.level);
    }
  }

  void AddConvolution(const Known& from) {
    const int stride = from.level < 3 && rng_.Integer(0, 2) == 0 ? 2 : 1;
    Add(FakeConvolution(rng_.Integer(2, 6), stride), {{from.id}},
        from.level + (stride == 2 ? 1 : 0));
  }

  void AddResidual(const Known& from) {
    const std::int64_t channels = graph.value(from.id).channels;
    const ValueId inner = Node(FakeConvolution(3), {{from.id}})[0];
    Add(FakeConvolution(channels, 1, true), {{inner}, {from.id}}, from.level);
  }

  void AddSplit(const Known& from) {
    const Value value = graph.value(from.id);
    if (value.is_concat() || value.channels < 2) return AddConvolution(from);
    const std::int64_t first = rng_.Integer(1, value.channels - 1);
    values_.push_back({graph.Slice(from.id, 0, first), from.level});
    values_.push_back({graph.Slice(from.id, first, value.channels - first), from.level});
  }

  void AddConcat(const Known& from) {
    std::vector<ValueId> parts = {from.id};
    for (int i = 0; i < 6 && parts.size() < 4; ++i) {
      const Known other = Pick();
      if (other.level == from.level) parts.push_back(other.id);
    }
    if (parts.size() < 2) return AddConvolution(from);
    const ValueId whole = graph.Concat(parts);
    if (graph.value(whole).channels > 40) return AddConvolution(from);
    values_.push_back({whole, from.level});
  }

  Rng rng_;
  std::vector<Known> values_;
  int layer_ = 0;
};

}  // namespace headroom::testing
