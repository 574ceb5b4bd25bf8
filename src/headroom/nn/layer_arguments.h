// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/model_yaml.h"
#include "headroom/graph/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// One row of a model YAML while its layer is built. Getters throw ConfigError that names file,
// line, module and argument when the value has another type.
struct LayerArguments {
  const ModelLayer& layer;
  std::string where;  // "yolo11.yaml:17"
  std::string name;   // "model.4"
  int repeats = 1;    // Scaled by the model's depth.
  std::vector<ValueId> inputs;

  // What the layer table prints, filled while building.
  mutable std::string printed;
  mutable int printed_repeats = 1;

  [[nodiscard]] bool Has(std::size_t i) const { return i < layer.args.size(); }
  [[nodiscard]] std::int64_t Int(std::size_t i) const;
  [[nodiscard]] std::int64_t Int(std::size_t i, std::int64_t otherwise) const {
    return Has(i) ? Int(i) : otherwise;
  }
  [[nodiscard]] double Double(std::size_t i, double otherwise) const;
  [[nodiscard]] bool Bool(std::size_t i, bool otherwise) const;
  [[nodiscard]] std::string Text(std::size_t i, const std::string& otherwise) const;

 private:
  [[noreturn]] void Wrong(std::size_t i, const char* wanted) const;
};

}  // namespace headroom
