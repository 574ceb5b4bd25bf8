// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/model_yaml.h"
#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/ops/operation_factory.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// A row of the layer table.
struct LayerInfo {
  int index = 0;
  std::vector<int> from;
  int repeats = 1;
  std::int64_t parameters = 0;
  std::string module;  // As the reference prints it: "ultralytics.nn.modules.conv.Conv".
  std::string arguments;
};

// Positions in Graph::outputs() of one head's maps, per level.
struct HeadOutputs {
  std::vector<std::size_t> boxes;
  std::vector<std::size_t> classes;
};

struct ModelOptions {
  std::int64_t classes = 80;
  OpsChoice ops = OpsChoice::kAuto;
  // Hidden width of the class branch where it is not the one that `classes` gives.
  std::optional<std::int64_t> class_width;
};

// A detector: its graph, its numbers and what the rest must know of its head. The graph refers to
// the store by index only, so moving a model keeps it whole.
struct Model {
  ModelConfig config;
  ModelOptions options;
  std::unique_ptr<Graph> graph;
  std::unique_ptr<ParameterStore> parameters;
  std::vector<LayerInfo> layers;
  ModuleTree modules;  // Its child "model" holds the layers: what a checkpoint says of them.
  std::int64_t reg_max = 16;
  std::vector<int> strides;  // Pixels a cell, per level.
  HeadOutputs one_to_many;
  std::optional<HeadOutputs> one_to_one;
  // Parameter indices of the last convolutions' biases, levels of one head after the other.
  std::vector<int> box_biases;
  std::vector<int> class_biases;

  [[nodiscard]] std::int64_t ParameterCount() const;
  // Of those, what gradients reach (all but the DFL bins and frozen layers).
  [[nodiscard]] std::int64_t TrainedCount() const;
};

// Builds the graph and declares the parameters; nothing is allocated (ParameterStore::Allocate).
// Throws ConfigError that names file and line for modules that are not known and arguments that do
// not fit.
[[nodiscard]] Model BuildModel(const ModelConfig& config, const ModelOptions& options,
                               at::Device device);

// Initial weights: convolutions uniform in +-1/sqrt(fan in) (He et al. 2015 with a = sqrt(5)),
// norms 1 and 0, box biases 2, class biases ln(5 / classes / (640 / stride)^2). A function of the
// seed alone.
void InitializeParameters(Model& model, std::uint64_t seed);

}  // namespace headroom
