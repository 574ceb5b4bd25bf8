// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c2psa.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.block.C2PSA";
constexpr std::string_view kArguments[] = {"channels", "expansion"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const std::int64_t in = context.Channels(x);
  if (in != context.OutChannels()) {
    context.builder.Fail(fmt::format(
        "C2PSA keeps its width, but {} channels come in and argument 1 (channels) gives {}", in,
        context.OutChannels()));
  }
  return C2Psa(context.builder, name, in, a.repeats, a.Factor(1, 0.5)).Wire(context.builder, x);
}

}  // namespace

C2Psa::C2Psa(NetworkBuilder& builder, const std::string& name, std::int64_t channels, int repeats,
             double expansion)
    : hidden_(builder.HiddenChannels(channels, expansion)) {
  builder.Record(name, kType).Set("c", hidden_);
  cv1_ = builder.DeclareConv(name + ".cv1", channels, 2 * hidden_);
  cv2_ = builder.DeclareConv(name + ".cv2", 2 * hidden_, channels);
  builder.Record(name + ".m", kSequentialType);
  for (int i = 0; i < repeats; ++i)
    blocks_.emplace_back(builder, fmt::format("{}.m.{}", name, i), hidden_);
}

ValueId C2Psa::Wire(NetworkBuilder& builder, ValueId x) const {
  Graph& graph = builder.graph();
  const ValueId both = builder.Apply(cv1_, x);
  ValueId second = graph.Slice(both, hidden_, hidden_);
  for (const PsaBlock& block : blocks_) second = block.Wire(builder, second);
  return builder.Apply(cv2_, graph.Concat({graph.Slice(both, 0, hidden_), second}));
}

constexpr ModuleRow kC2PsaRow{.word = "C2PSA",
                              .type = kType,
                              .arguments = kArguments,
                              .repeats = Repeats::kInside,
                              .build = Build};

}  // namespace headroom
