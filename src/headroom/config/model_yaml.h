// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/activation_name.h"
#include "headroom/config/module_tree.h"
#include "headroom/config/option_value.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// One row of a model YAML: [from, repeats, module, args].
struct ModelLayer {
  std::vector<int> from;  // Layers it reads: -1 the one before, k the k-th.
  int repeats = 1;        // Not yet scaled.
  std::string module;
  std::vector<OptionValue>
      args;      // Channels not yet scaled; None is null, a name such as nc its text.
  int line = 0;  // In the file, for errors; 0 where the rows are a checkpoint's.
};

struct ModelScale {
  double depth = 1;
  double width = 1;
  std::int64_t max_channels = 1 << 20;
};

struct ModelConfig {
  std::string file;    // "yolo11n.yaml", as asked for.
  std::string source;  // What errors name: the file, or the checkpoint that it lay in.
  int classes = 80;    // The file's own; a data set overrides it.
  std::string scale;   // "n"; empty where the file has no scales.
  double depth = 1;
  double width = 1;
  std::int64_t max_channels = 1 << 20;
  std::int64_t reg_max = 16;
  bool end2end = false;
  std::string activation;  // As written: "nn.ReLU()"; empty for SiLU.
  std::vector<std::pair<std::string, ModelScale>> scales;  // In the file's order.
  std::vector<ModelLayer> layers;                          // Backbone, then head.
  std::size_t backbone_layers = 0;
  std::vector<std::string> warnings;  // What was assumed, for the user.
  // The modules of the checkpoint that the rows come from; null for a YAML file. Where rows and
  // modules may differ (paddings, activations, constants of batch-norms) the modules win.
  std::shared_ptr<const ModuleTree> modules;

  // "yolo11n": the file's stem.
  [[nodiscard]] std::string Name() const;
  // "mine.yaml:7: layer 4 (Conv)", for errors.
  [[nodiscard]] std::string Where(std::size_t layer) const;
};

// Finds and parses a model YAML. The file itself if it exists; else the one without the size letter
// (yolo11s.yaml is yolo11.yaml at scale s), beside it or built in. Throws ConfigError with the
// names that are there, or with file and line of what is wrong.
[[nodiscard]] ModelConfig ReadModelYaml(const std::string& name);
// The same from text; `name` serves messages and the scale.
[[nodiscard]] ModelConfig ParseModelYaml(const std::string& text, const std::string& name);
// The names of the built-in files (they are in the binary): yolo11.yaml, ...
[[nodiscard]] std::vector<std::string> BuiltInModels();

// The model as the dict that the reference keeps in a checkpoint (nc, scales, backbone, head,
// scale, yaml_file, channels), and as YAML text with one row a layer. Both parse back to the same
// model.
[[nodiscard]] OptionValue::Dict ModelDict(const ModelConfig& config);
[[nodiscard]] std::string ModelYamlText(const ModelConfig& config);

// Channels that a layer gets: ceil(min(channels, max) * width / 8) * 8.
[[nodiscard]] std::int64_t ScaledChannels(std::int64_t channels, const ModelConfig& config);
// max(repeats * depth rounded half to even, 1); a single one stays one.
[[nodiscard]] int ScaledRepeats(int repeats, double depth);

}  // namespace headroom
