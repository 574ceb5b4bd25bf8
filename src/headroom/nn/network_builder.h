// SPDX-License-Identifier: Apache-2.0
#pragma once

// nn/ composes operations into the modules of a model YAML. A module first declares its parameters,
// in the order in which the reference's state dict lists them, then wires its operations; it knows
// nothing of layouts, buffers or devices.

#include "headroom/graph/graph.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/ops/operation_factory.h"

#include <cstdint>
#include <string>

namespace headroom {

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

struct ConvOptions {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  Activation activation = Activation::kSilu;
};

// Adds declared blocks to a graph. Names are checkpoint prefixes: "model.2.cv1".
class NetworkBuilder {
 public:
  NetworkBuilder(Graph& graph, ParameterStore& parameters, const OperationFactory& factory)
      : graph_(graph), parameters_(parameters), factory_(factory) {}

  // The layer of the model YAML that the following nodes belong to.
  void set_layer(int layer) { layer_ = layer; }

  [[nodiscard]] ConvBlock DeclareConv(const std::string& name, std::int64_t in, std::int64_t out,
                                      const ConvOptions& options = {});
  [[nodiscard]] BiasedConv DeclareBiasedConv(const std::string& name, std::int64_t in,
                                             std::int64_t out);

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

 private:
  ValueId ApplyBlock(const ConvBlock& block, NodeInput x, const ValueId* residual);

  Graph& graph_;
  ParameterStore& parameters_;
  const OperationFactory& factory_;
  int layer_ = 0;
};

}  // namespace headroom
