// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/network_builder.h"

#include <utility>
#include <vector>

namespace headroom {

ConvBlock NetworkBuilder::DeclareConv(const std::string& name, std::int64_t in, std::int64_t out,
                                      const ConvOptions& options) {
  ConvBlock block{.name = name};
  block.spec.convolution = {in, out, options.kernel, options.stride, options.groups};
  block.spec.activation = options.activation;
  block.spec.weight = parameters_.AddParameter(
      name + ".conv.weight", {out, in / options.groups, options.kernel, options.kernel},
      ParameterKind::kWeight);
  block.spec.norm = parameters_.AddNorm(name + ".bn", out);
  return block;
}

BiasedConv NetworkBuilder::DeclareBiasedConv(const std::string& name, std::int64_t in,
                                             std::int64_t out) {
  BiasedConv conv{.spec = {.in_channels = in, .out_channels = out}, .name = name};
  conv.weight = parameters_.AddParameter(name + ".weight", {out, in, 1, 1}, ParameterKind::kWeight);
  conv.bias = parameters_.AddParameter(name + ".bias", {out}, ParameterKind::kBias);
  return conv;
}

ValueId NetworkBuilder::ApplyBlock(const ConvBlock& block, NodeInput x, const ValueId* residual) {
  ConvBnActSpec spec = block.spec;
  spec.residual = residual != nullptr;
  std::vector<NodeInput> inputs = {x};
  if (residual != nullptr) inputs.push_back({*residual});
  return graph_.AddNode(factory_.MakeConvBnAct(spec), std::move(inputs), block.name, layer_)[0];
}

ValueId NetworkBuilder::Apply(const ConvBlock& block, NodeInput x) {
  return ApplyBlock(block, x, nullptr);
}

ValueId NetworkBuilder::ApplyWithResidual(const ConvBlock& block, ValueId x, ValueId residual) {
  return ApplyBlock(block, {x}, &residual);
}

ValueId NetworkBuilder::Apply(const BiasedConv& conv, ValueId x) {
  return graph_.AddNode(factory_.MakeConvBias(conv.spec, conv.weight, conv.bias), {{x}}, conv.name,
                        layer_)[0];
}

ValueId NetworkBuilder::Pixels(ValueId image) {
  return graph_.AddNode(factory_.MakePixels(Channels(image)), {{image}}, "pixels", layer_)[0];
}

ValueId NetworkBuilder::Upsample(ValueId x, const std::string& name) {
  return graph_.AddNode(factory_.MakeUpsample(Channels(x)), {{x}}, name, layer_)[0];
}

ValueId NetworkBuilder::PoolChain(ValueId x, std::int64_t kernel, std::int64_t pools,
                                  const std::string& name) {
  return graph_.AddNode(factory_.MakePoolChain(Channels(x), kernel, pools), {{x}}, name, layer_)[0];
}

}  // namespace headroom
