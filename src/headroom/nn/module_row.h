// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/layer_arguments.h"
#include "headroom/nn/network_builder.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

struct Model;

// One layer while it is built.
struct LayerContext {
  NetworkBuilder& builder;
  const LayerArguments& arguments;
  Model& model;  // Its config and options; a head notes its outputs and biases there.
  // Facts of the whole model that rows of it depend on.
  bool is_large = false;           // Scale m, l or x: every C3k2 has C3k blocks inside.
  bool depthwise_classes = false;  // Some row is a C3k2: the head's class branch is depth-wise.

  // The first argument, scaled.
  [[nodiscard]] std::int64_t OutChannels() const;
  [[nodiscard]] std::int64_t Channels(ValueId value) const { return builder.Channels(value); }
};

enum class Repeats : std::uint8_t {
  kStacked,  // The module is repeated in a Sequential.
  kInside,   // The module has that many blocks.
  kOnce,     // It cannot be repeated.
};
enum class Inputs : std::uint8_t { kOne, kMany };

// A module of model YAML files. Each is a constant beside its code, listed in module_table.cc.
struct ModuleRow {
  std::string_view word;  // In a file: "Conv".
  std::string_view type;  // Its class, as the reference prints it.
  // What the arguments of a row are, in order; "channels" is the output's width, scaled.
  std::span<const std::string_view> arguments;
  std::size_t needed = 1;  // So many must be there.
  Repeats repeats = Repeats::kStacked;
  Inputs inputs = Inputs::kOne;
  // Declares, records and wires one module named `name` ("model.4", or "model.4.1" in a stack) that
  // reads x. Throws ConfigError for arguments that do not fit.
  ValueId (*build)(const LayerContext& context, const std::string& name, ValueId x) = nullptr;
};

// In the order of their words in messages.
[[nodiscard]] std::span<const ModuleRow* const> ModuleTable();
// Null where the table has none.
[[nodiscard]] const ModuleRow* FindModuleRow(std::string_view word);

}  // namespace headroom
