// SPDX-License-Identifier: Apache-2.0
#pragma once

// nn/ composes operations into the modules of a model YAML. A module first declares its parameters,
// in the order in which the reference's state dict lists them, then wires its operations; it knows
// nothing of layouts, buffers or devices. What it declares is recorded as a tree of modules, which
// checkpoints carry.

#include "headroom/config/module_tree.h"
#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/nn/activation_module.h"
#include "headroom/ops/operation_factory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

// Python modules of the classes that are recorded.
inline constexpr std::string_view kConvType = "ultralytics.nn.modules.conv.Conv";
inline constexpr std::string_view kDwConvType = "ultralytics.nn.modules.conv.DWConv";
inline constexpr std::string_view kSequentialType = "torch.nn.modules.container.Sequential";
inline constexpr std::string_view kModuleListType = "torch.nn.modules.container.ModuleList";
inline constexpr std::string_view kIdentityType = "torch.nn.modules.linear.Identity";

// A declared Conv block (convolution, batch-norm, activation), not yet wired.
struct ConvBlock {
  ConvBnActSpec spec;
  std::string name;
};

// A declared plain convolution with bias.
struct BiasedConv {
  ConvolutionSpec spec;
  int weight = -1;
  int bias = -1;
  std::string name;
};

enum class ConvActivation : std::uint8_t {
  kModels,  // The model's own.
  kNone,
};

struct ConvOptions {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  ConvActivation activation = ConvActivation::kModels;
  std::int64_t dilation = 1;
  std::optional<std::int64_t> padding;  // Absent: "same".
  std::string_view type = kConvType;
};

struct NetworkOptions {
  ActivationChoice activation;  // The model's own.
  // The modules of the checkpoint that the model comes from, null for none. What a Conv block of it
  // says of itself wins over ConvOptions.
  const ModuleTree* file = nullptr;
  std::string source;  // The file, for errors.
};

// Adds declared blocks to a graph. Names are checkpoint prefixes: "model.2.cv1".
class NetworkBuilder {
 public:
  NetworkBuilder(Graph& graph, ParameterStore& parameters, const OperationFactory& factory,
                 NetworkOptions options = {})
      : graph_(graph), parameters_(parameters), factory_(factory), options_(std::move(options)) {}

  // The layer of the model YAML that the following nodes belong to; `where` names it in errors.
  void set_layer(int layer, std::string where = {});
  // Throws ConfigError that names the layer.
  [[noreturn]] void Fail(const std::string& text) const;

  // Blocks record themselves; throw ConfigError for widths and groups that cannot be.
  [[nodiscard]] ConvBlock DeclareConv(const std::string& name, std::int64_t in, std::int64_t out,
                                      const ConvOptions& options = {});
  [[nodiscard]] BiasedConv DeclareBiasedConv(const std::string& name, std::int64_t in,
                                             std::int64_t out);
  // Records a module, in the order of the state dict; what lies above it and was not recorded is a
  // Sequential. The reference is good until the next call.
  ModuleTree& Record(const std::string& name, std::string_view type);
  // A bare convolution.
  void RecordConvolution(const std::string& name, const ConvolutionSpec& spec, bool biased);
  // The channels inside a block: those of its output times `expansion`, cut off; at least 1.
  [[nodiscard]] std::int64_t HiddenChannels(std::int64_t out, double expansion) const;

  // act(norm(conv(x))).
  ValueId Apply(const ConvBlock& block, NodeInput x);
  ValueId Apply(const ConvBlock& block, ValueId x) { return Apply(block, NodeInput{x}); }
  // act(norm(conv(x))) + residual.
  ValueId ApplyWithResidual(const ConvBlock& block, ValueId x, ValueId residual);
  ValueId Apply(const BiasedConv& conv, ValueId x);

  ValueId Pixels(ValueId image);
  ValueId Upsample(ValueId x, const std::string& name);
  ValueId PoolChain(ValueId x, std::int64_t kernel, std::int64_t pools, const std::string& name);

  [[nodiscard]] Graph& graph() { return graph_; }
  [[nodiscard]] ParameterStore& parameters() { return parameters_; }
  [[nodiscard]] const OperationFactory& factory() const { return factory_; }
  [[nodiscard]] int layer() const { return layer_; }
  [[nodiscard]] std::int64_t Channels(ValueId value) const { return graph_.value(value).channels; }
  [[nodiscard]] ModuleTree& modules() { return modules_; }

 private:
  ValueId ApplyBlock(const ConvBlock& block, NodeInput x, const ValueId* residual);
  [[nodiscard]] ConvBnActSpec SpecOf(const std::string& name, std::int64_t in, std::int64_t out,
                                     const ConvOptions& options) const;
  void RecordConv(const ConvBlock& block, std::string_view type);

  Graph& graph_;
  ParameterStore& parameters_;
  const OperationFactory& factory_;
  NetworkOptions options_;
  ModuleTree modules_;
  int layer_ = 0;
  std::string where_;
};

}  // namespace headroom
