// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/model_yaml.h"
#include "headroom/graph/graph.h"

#include <cstddef>
#include <span>
#include <vector>

namespace headroom {

// Checks that the maps of a model fit one another, layer by layer, and measures its strides.
class MapSizes {
 public:
  // layer_ends: the number of values of the graph after each layer. Keeps references.
  MapSizes(const Graph& graph, const ModelConfig& config,
           const std::vector<std::size_t>& layer_ends)
      : graph_(graph), config_(config), layer_ends_(layer_ends) {}

  // Pixels a cell of these outputs of the graph. Throws ConfigError that names the layer where maps
  // that are joined or added differ in size, where nothing is left of a map, and where paddings
  // leave an output that is not a whole number of cells for images of whole strides.
  [[nodiscard]] std::vector<int> Strides(std::span<const std::size_t> outputs) const;

 private:
  // Of every value.
  [[nodiscard]] std::vector<Extent> Measure(std::int64_t image) const;
  [[nodiscard]] Extent MeasureValue(std::size_t id, const std::vector<Extent>& extents) const;
  [[noreturn]] void Fail(std::size_t value, const std::string& text) const;
  [[nodiscard]] Extent OutputExtent(const std::vector<Extent>& extents, std::size_t output) const {
    return extents[static_cast<std::size_t>(graph_.outputs()[output])];
  }

  const Graph& graph_;
  const ModelConfig& config_;
  const std::vector<std::size_t>& layer_ends_;
};

}  // namespace headroom
