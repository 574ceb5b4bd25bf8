// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/sppf.h"

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.block.SPPF";
constexpr std::string_view kArguments[] = {"channels", "kernel", "pools", "shortcut"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  Sppf::Options options{.kernel = a.Int(1, 5), .pools = a.Int(2, 3), .shortcut = a.Bool(3, false)};
  if (options.kernel % 2 == 0) a.Wrong(1, "odd: a pool of an even kernel changes the map's size");
  // The reference's rule: a row that says more than the kernel is of the newer kind without an
  // activation in cv1.
  if (a.Has(2)) options.first_activation = ConvActivation::kNone;
  return Sppf(context.builder, name, context.Channels(x), context.OutChannels(), options)
      .Wire(context.builder, x);
}

}  // namespace

Sppf::Sppf(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
           const Options& options)
    : name_(name), options_(options), adds_(options.shortcut && in == out) {
  const std::int64_t hidden = builder.HiddenChannels(in, 0.5);
  builder.Record(name, kType).Set("n", options.pools).Set("add", adds_);
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden, {.activation = options.first_activation});
  cv2_ = builder.DeclareConv(name + ".cv2", hidden * (options.pools + 1), out);
  builder.Record(name + ".m", "torch.nn.modules.pooling.MaxPool2d")
      .Set("kernel_size", options.kernel)
      .Set("stride", 1)
      .Set("padding", options.kernel / 2)
      .Set("dilation", 1)
      .Set("return_indices", false)
      .Set("ceil_mode", false);
}

ValueId Sppf::Wire(NetworkBuilder& builder, ValueId x) const {
  const ValueId y = builder.Apply(cv1_, x);
  const ValueId pooled = builder.PoolChain(y, options_.kernel, options_.pools, name_ + ".m");
  const ValueId all = builder.graph().Concat({y, pooled});
  return adds_ ? builder.ApplyWithResidual(cv2_, all, x) : builder.Apply(cv2_, all);
}

constexpr ModuleRow kSppfRow{
    .word = "SPPF", .type = kType, .arguments = kArguments, .build = Build};

}  // namespace headroom
