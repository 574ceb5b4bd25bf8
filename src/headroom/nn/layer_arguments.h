// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/model_yaml.h"
#include "headroom/graph/graph.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// Most of a kernel, padding, stride, dilation or count in a row.
inline constexpr std::int64_t kMostOfAnArgument = 1024;

struct WholeRange {
  std::int64_t least = 1;
  std::int64_t most = kMostOfAnArgument;
};

// The arguments of one row of a model YAML while its layer is built. Getters throw ConfigError that
// names file, line, layer, argument and value when the value is of another kind or out of range.
struct LayerArguments {
  const ModelLayer& layer;
  std::string where;                        // "yolo11.yaml:17: layer 4 (Conv)"
  std::string name;                         // "model.4"
  std::span<const std::string_view> names;  // Of the arguments.
  int repeats = 1;                          // Scaled by the model's depth.
  std::vector<ValueId> inputs;

  // What the layer table prints of the arguments behind the channels.
  mutable OptionValue::List printed;

  [[nodiscard]] bool Has(std::size_t i) const { return i < layer.args.size(); }
  // A whole number, or two equal ones in a list.
  [[nodiscard]] std::int64_t Int(std::size_t i, WholeRange range = {}) const;
  [[nodiscard]] std::int64_t Int(std::size_t i, std::int64_t otherwise,
                                 WholeRange range = {}) const {
    return Has(i) ? Int(i, range) : otherwise;
  }
  // None as well as a number.
  [[nodiscard]] std::optional<std::int64_t> IntOrNone(std::size_t i, WholeRange range) const;
  // Above 0, at most 16: a factor of channels.
  [[nodiscard]] double Factor(std::size_t i, double otherwise) const;
  [[nodiscard]] bool Bool(std::size_t i, bool otherwise) const;
  [[nodiscard]] std::string Text(std::size_t i, const std::string& otherwise) const;
  // Two kernels: [3, 3] or [[3, 3], [3, 3]].
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> TwoKernels(std::size_t i,
                                                                 std::int64_t otherwise) const;

  // Throws ConfigError: the argument must be `wanted`.
  [[noreturn]] void Wrong(std::size_t i, std::string_view wanted) const;
};

}  // namespace headroom
