// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/option_value.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace headroom {

// One row of a model YAML: [from, repeats, module, args].
struct ModelLayer {
  std::vector<int> from;
  int repeats = 1;
  std::string module;
  std::vector<OptionValue> args;
  int line = 0;
};

struct ModelScale {
  double depth = 1;
  double width = 1;
  std::int64_t max_channels = 1 << 20;
};

struct ModelConfig {
  std::string file;   // "yolo11n.yaml", as asked for.
  int classes = 80;   // The file's own; a data set overrides it.
  std::string scale;  // "n"; empty where the file has no scales.
  double depth = 1;
  double width = 1;
  std::int64_t max_channels = 1 << 20;
  std::int64_t reg_max = 16;
  bool end2end = false;
  std::map<std::string, ModelScale> scales;
  std::vector<ModelLayer> layers;  // Backbone, then head.
  std::size_t backbone_layers = 0;

  // "yolo11n": the file's stem.
  [[nodiscard]] std::string Name() const;
};

// Finds and parses a model YAML: the size letter is taken off the name (yolo11s.yaml is yolo11.yaml
// at scale s); the local file first, then the built-in ones. Throws ConfigError.
[[nodiscard]] ModelConfig ReadModelYaml(const std::string& name);
// The same from text; `name` serves messages and the scale.
[[nodiscard]] ModelConfig ParseModelYaml(const std::string& text, const std::string& name);
// The names of the built-in files: yolo11.yaml, ...
[[nodiscard]] std::vector<std::string> BuiltInModels();

// Recipe 3.1. Channels: ceil(min(c, max) * width / 8) * 8. Repeats: max(round half to even(n *
// depth), 1).
[[nodiscard]] std::int64_t ScaledChannels(std::int64_t channels, const ModelConfig& config);
[[nodiscard]] int ScaledRepeats(int repeats, double depth);

}  // namespace headroom
