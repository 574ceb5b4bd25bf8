// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/network_builder.h"

#include "headroom/core/error.h"
#include "headroom/nn/file_modules.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace headroom {

void NetworkBuilder::set_layer(int layer, std::string where) {
  layer_ = layer;
  where_ = std::move(where);
}

void NetworkBuilder::Fail(const std::string& text) const {
  throw ConfigError(where_.empty() ? text : where_ + ": " + text);
}

std::int64_t NetworkBuilder::HiddenChannels(std::int64_t out, double expansion) const {
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(out) * expansion);
  if (hidden < 1)
    Fail(fmt::format("expansion {} of {} channels leaves no channel", expansion, out));
  return hidden;
}

ConvBnActSpec NetworkBuilder::SpecOf(const std::string& name, std::int64_t in, std::int64_t out,
                                     const ConvOptions& options) const {
  ConvBnActSpec spec;
  spec.convolution = {.in_channels = in,
                      .out_channels = out,
                      .kernel = options.kernel,
                      .stride = options.stride,
                      .groups = options.groups,
                      .dilation = options.dilation,
                      .explicit_padding = options.padding};
  const ActivationChoice activation = options.activation == ConvActivation::kModels
                                          ? options_.activation
                                          : ActivationChoice{.kind = Activation::kIdentity};
  spec.activation = activation.kind;
  spec.negative_slope = activation.negative_slope;
  // What is not there is missed when the trees are compared.
  const ModuleTree* block = options_.file != nullptr ? options_.file->Find(name) : nullptr;
  if (block != nullptr && block->Find("conv") != nullptr)
    ReadConvModule(*block, options_.source, name, &spec);
  const std::int64_t groups = spec.convolution.groups;
  if (in % groups != 0 || out % groups != 0) {
    Fail(
        fmt::format("groups {} do not divide the {} channels that come in and the {} that go out "
                    "({})",
                    groups, in, out, name));
  }
  return spec;
}

ConvBlock NetworkBuilder::DeclareConv(const std::string& name, std::int64_t in, std::int64_t out,
                                      const ConvOptions& options) {
  ConvBlock block{.spec = SpecOf(name, in, out, options), .name = name};
  const ConvolutionSpec& convolution = block.spec.convolution;
  block.spec.weight = parameters_.AddParameter(
      name + ".conv.weight", {out, in / convolution.groups, convolution.kernel, convolution.kernel},
      ParameterKind::kWeight);
  block.spec.norm = parameters_.AddNorm(name + ".bn", out);
  RecordConv(block, options.type);
  return block;
}

BiasedConv NetworkBuilder::DeclareBiasedConv(const std::string& name, std::int64_t in,
                                             std::int64_t out) {
  BiasedConv conv{.spec = {.in_channels = in, .out_channels = out}, .name = name};
  conv.weight = parameters_.AddParameter(name + ".weight", {out, in, 1, 1}, ParameterKind::kWeight);
  conv.bias = parameters_.AddParameter(name + ".bias", {out}, ParameterKind::kBias);
  RecordConvolution(name, conv.spec, true);
  return conv;
}

ModuleTree& NetworkBuilder::Record(const std::string& name, std::string_view type) {
  ModuleTree& module = modules_.At(name, kSequentialType);
  module.type = type;
  return module;
}

void NetworkBuilder::RecordConvolution(const std::string& name, const ConvolutionSpec& spec,
                                       bool biased) {
  const auto pair = [](std::int64_t side) { return OptionValue::List{side, side}; };
  const std::int64_t pad = spec.padding();
  ModuleTree& conv = Record(name, "torch.nn.modules.conv.Conv2d");
  conv.parameters = {{"weight", true}, {"bias", biased}};
  conv.attributes = {{"in_channels", spec.in_channels},
                     {"out_channels", spec.out_channels},
                     {"kernel_size", pair(spec.kernel)},
                     {"stride", pair(spec.stride)},
                     {"padding", pair(pad)},
                     {"dilation", pair(spec.dilation)},
                     {"transposed", false},
                     {"output_padding", pair(0)},
                     {"groups", spec.groups},
                     {"padding_mode", "zeros"},
                     {"_reversed_padding_repeated_twice", OptionValue::List{pad, pad, pad, pad}}};
}

void NetworkBuilder::RecordConv(const ConvBlock& block, std::string_view type) {
  Record(block.name, type);
  RecordConvolution(block.name + ".conv", block.spec.convolution, false);
  ModuleTree& norm = Record(block.name + ".bn", "torch.nn.modules.batchnorm.BatchNorm2d");
  norm.parameters = {{"weight", true}, {"bias", true}};
  norm.buffers = {"running_mean", "running_var", "num_batches_tracked"};
  norm.attributes = {{"num_features", block.spec.convolution.out_channels},
                     {"eps", block.spec.norm_epsilon},
                     {"momentum", block.spec.norm_momentum},
                     {"affine", true},
                     {"track_running_stats", true}};
  Record(block.name + ".act", kIdentityType) =
      ActivationModule({block.spec.activation, block.spec.negative_slope});
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
