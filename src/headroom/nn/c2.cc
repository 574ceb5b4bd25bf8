// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c2.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.block.C2";
constexpr std::string_view kArguments[] = {"channels", "shortcut", "groups", "expansion"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const C2 block(context.builder, name, context.Channels(x), context.OutChannels(),
                 {.repeats = a.repeats,
                  .shortcut = a.Bool(1, true),
                  .groups = a.Int(2, 1),
                  .expansion = a.Factor(3, 0.5)});
  return block.Wire(context.builder, x);
}

}  // namespace

C2::C2(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
       const Options& options)
    : hidden_(builder.HiddenChannels(out, options.expansion)) {
  builder.Record(name, kType).Set("c", hidden_);
  cv1_ = builder.DeclareConv(name + ".cv1", in, 2 * hidden_);
  cv2_ = builder.DeclareConv(name + ".cv2", 2 * hidden_, out);
  builder.Record(name + ".m", kSequentialType);
  for (int i = 0; i < options.repeats; ++i) {
    chain_.emplace_back(
        builder, fmt::format("{}.m.{}", name, i), hidden_, hidden_,
        Bottleneck::Options{
            .shortcut = options.shortcut, .groups = options.groups, .expansion = 1});
  }
}

ValueId C2::Wire(NetworkBuilder& builder, ValueId x) const {
  Graph& graph = builder.graph();
  const ValueId both = builder.Apply(cv1_, x);
  ValueId first = graph.Slice(both, 0, hidden_);
  for (const Bottleneck& bottleneck : chain_) first = bottleneck.Wire(builder, first);
  return builder.Apply(cv2_, graph.Concat({first, graph.Slice(both, hidden_, hidden_)}));
}

constexpr ModuleRow kC2Row{.word = "C2",
                           .type = kType,
                           .arguments = kArguments,
                           .repeats = Repeats::kInside,
                           .build = Build};

}  // namespace headroom
