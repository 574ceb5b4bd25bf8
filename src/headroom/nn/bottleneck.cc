// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/bottleneck.h"

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.block.Bottleneck";
constexpr std::string_view kArguments[] = {"channels", "shortcut", "groups", "kernels",
                                           "expansion"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const auto [first, second] = a.TwoKernels(3, 3);
  const Bottleneck block(context.builder, name, context.Channels(x), context.OutChannels(),
                         {.shortcut = a.Bool(1, true),
                          .groups = a.Int(2, 1),
                          .first_kernel = first,
                          .second_kernel = second,
                          .expansion = a.Factor(4, 0.5)});
  return block.Wire(context.builder, x);
}

}  // namespace

Bottleneck::Bottleneck(NetworkBuilder& builder, const std::string& name, std::int64_t in,
                       std::int64_t out, const Options& options)
    : adds_(options.shortcut && in == out) {
  const std::int64_t hidden = builder.HiddenChannels(out, options.expansion);
  builder.Record(name, kType).Set("add", adds_);
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden, {.kernel = options.first_kernel});
  cv2_ = builder.DeclareConv(name + ".cv2", hidden, out,
                             {.kernel = options.second_kernel, .groups = options.groups});
}

ValueId Bottleneck::Wire(NetworkBuilder& builder, ValueId x) const {
  const ValueId hidden = builder.Apply(cv1_, x);
  return adds_ ? builder.ApplyWithResidual(cv2_, hidden, x) : builder.Apply(cv2_, hidden);
}

constexpr ModuleRow kBottleneckRow{
    .word = "Bottleneck", .type = kType, .arguments = kArguments, .build = Build};

}  // namespace headroom
