// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <vector>

namespace headroom {

// Pools the moments of a batch's micro-batches and updates the running statistics once a batch, as
// if the batch had been one: mean = sum n_i mean_i / n, variance = sum n_i (var_i + mean_i^2) / n -
// mean^2, unbiased by m / (m - 1) with m the rows behind them, momentum 0.03. Sums in double.
// Allocates in its constructor only. Not thread-safe.
class NormStatistics {
 public:
  // Frozen layers (trained_layers[layer] false) keep their running statistics.
  NormStatistics(const Graph& graph, ParameterStore& parameters, std::vector<bool> trained_layers);

  // The moments that the last forward left in the store, of `images` images.
  void Add(std::int64_t images);
  // Updates the store's running statistics from what was added for images of this extent; then
  // starts again. Nothing was added: nothing changes.
  void Commit(const Extent& image);
  void Discard();

  [[nodiscard]] static MemoryNeed EstimateMemory(const ParameterStore& parameters);

 private:
  struct Norm {
    std::int64_t mean_offset;
    std::int64_t variance_offset;
    std::int64_t channels;
    ValueId output;  // Its extent tells the rows an image.
    double momentum;
  };
  const Graph& graph_;
  ParameterStore& parameters_;
  std::vector<Norm> norms_;
  std::vector<double> sums_;  // Laid out as the statistics: n * mean, n * (variance + mean^2).
  double images_ = 0;
  Extent extent_;
  std::vector<double> rows_;  // Rows an image of each norm at `extent_`.
};

}  // namespace headroom
