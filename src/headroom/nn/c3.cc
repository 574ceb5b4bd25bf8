// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c3.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr std::string_view kC3Type = "ultralytics.nn.modules.block.C3";
constexpr std::string_view kC3kType = "ultralytics.nn.modules.block.C3k";
constexpr std::string_view kC3Arguments[] = {"channels", "shortcut", "groups", "expansion"};
constexpr std::string_view kC3kArguments[] = {"channels", "shortcut", "groups", "expansion",
                                              "kernel"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x,
              std::optional<std::int64_t> kernel) {
  const LayerArguments& a = context.arguments;
  const C3 block(context.builder, name, context.Channels(x), context.OutChannels(),
                 {.repeats = a.repeats,
                  .shortcut = a.Bool(1, true),
                  .groups = a.Int(2, 1),
                  .expansion = a.Factor(3, 0.5),
                  .kernel = kernel});
  return block.Wire(context.builder, x);
}

ValueId BuildC3(const LayerContext& context, const std::string& name, ValueId x) {
  return Build(context, name, x, std::nullopt);
}

ValueId BuildC3k(const LayerContext& context, const std::string& name, ValueId x) {
  return Build(context, name, x, context.arguments.Int(4, 3));
}

}  // namespace

C3::C3(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
       const Options& options) {
  const std::int64_t hidden = builder.HiddenChannels(out, options.expansion);
  builder.Record(name, options.kernel ? kC3kType : kC3Type);
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden);
  cv2_ = builder.DeclareConv(name + ".cv2", in, hidden);
  cv3_ = builder.DeclareConv(name + ".cv3", 2 * hidden, out);
  builder.Record(name + ".m", kSequentialType);
  for (int i = 0; i < options.repeats; ++i) {
    chain_.emplace_back(builder, fmt::format("{}.m.{}", name, i), hidden, hidden,
                        Bottleneck::Options{.shortcut = options.shortcut,
                                            .groups = options.groups,
                                            .first_kernel = options.kernel.value_or(1),
                                            .second_kernel = options.kernel.value_or(3),
                                            .expansion = 1});
  }
}

ValueId C3::Wire(NetworkBuilder& builder, ValueId x) const {
  ValueId through = builder.Apply(cv1_, x);
  for (const Bottleneck& bottleneck : chain_) through = bottleneck.Wire(builder, through);
  const ValueId beside = builder.Apply(cv2_, x);
  return builder.Apply(cv3_, builder.graph().Concat({through, beside}));
}

constexpr ModuleRow kC3Row{.word = "C3",
                           .type = kC3Type,
                           .arguments = kC3Arguments,
                           .repeats = Repeats::kInside,
                           .build = BuildC3};
constexpr ModuleRow kC3kRow{.word = "C3k",
                            .type = kC3kType,
                            .arguments = kC3kArguments,
                            .repeats = Repeats::kInside,
                            .build = BuildC3k};

}  // namespace headroom
