// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/conv.h"

#include <numeric>

namespace headroom {
namespace {

// The reference takes anything but True for none; a text such as nn.ReLU() would be lost without a
// word.
ConvActivation ActivationOf(const LayerArguments& a, std::size_t i) {
  if (!a.Has(i)) return ConvActivation::kModels;
  if (a.layer.args[i].is_null()) return ConvActivation::kNone;
  if (!a.layer.args[i].is_bool()) {
    a.Wrong(i,
            "True, False or None (another activation is the whole model's: `activation: nn.ReLU()` "
            "at the top of the file)");
  }
  return a.layer.args[i].AsBool() ? ConvActivation::kModels : ConvActivation::kNone;
}

ValueId BuildConv(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  ConvOptions options{.kernel = a.Int(1, 1), .stride = a.Int(2, 1)};
  options.padding = a.IntOrNone(3, {.least = 0});
  options.groups = a.Int(4, 1, {.most = 1 << 16});
  options.dilation = a.Int(5, 1);
  options.activation = ActivationOf(a, 6);
  NetworkBuilder& builder = context.builder;
  return builder.Apply(
      builder.DeclareConv(name, context.Channels(x), context.OutChannels(), options), x);
}

ValueId BuildDwConv(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const std::int64_t in = context.Channels(x);
  const std::int64_t out = context.OutChannels();
  ConvOptions options{.kernel = a.Int(1, 1), .stride = a.Int(2, 1), .groups = std::gcd(in, out)};
  options.dilation = a.Int(3, 1);
  options.activation = ActivationOf(a, 4);
  options.type = kDwConvType;
  return context.builder.Apply(context.builder.DeclareConv(name, in, out, options), x);
}

constexpr std::string_view kConvArguments[] = {"channels", "kernel",   "stride",    "padding",
                                               "groups",   "dilation", "activation"};
constexpr std::string_view kDwConvArguments[] = {"channels", "kernel", "stride", "dilation",
                                                 "activation"};

}  // namespace

constexpr ModuleRow kConvRow{
    .word = "Conv", .type = kConvType, .arguments = kConvArguments, .build = BuildConv};
constexpr ModuleRow kDwConvRow{
    .word = "DWConv", .type = kDwConvType, .arguments = kDwConvArguments, .build = BuildDwConv};

}  // namespace headroom
