// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c2f.h"

#include <fmt/format.h>

namespace headroom {
namespace {

constexpr std::string_view kC2fType = "ultralytics.nn.modules.block.C2f";
constexpr std::string_view kC3k2Type = "ultralytics.nn.modules.block.C3k2";
constexpr std::string_view kC2fArguments[] = {"channels", "shortcut", "groups", "expansion"};
constexpr std::string_view kC3k2Arguments[] = {"channels",  "c3k",    "expansion",
                                               "attention", "groups", "shortcut"};

ValueId BuildC2f(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const C2f block(context.builder, name, context.Channels(x), context.OutChannels(),
                  {.repeats = a.repeats,
                   .shortcut = a.Bool(1, false),
                   .groups = a.Int(2, 1),
                   .expansion = a.Factor(3, 0.5)});
  return block.Wire(context.builder, x);
}

ValueId BuildC3k2(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  const bool c3k = a.Bool(1, false) || context.is_large;
  if (context.is_large) {
    if (a.printed.empty()) a.printed.emplace_back();
    a.printed[0] = true;
  }
  C2f::Options options{.repeats = a.repeats,
                       .shortcut = a.Bool(5, true),
                       .groups = a.Int(4, 1),
                       .expansion = a.Factor(2, 0.5)};
  options.inner = a.Bool(3, false) ? C2fInner::kAttention
                  : c3k            ? C2fInner::kC3k
                                   : C2fInner::kHalfBottleneck;
  return C2f(context.builder, name, context.Channels(x), context.OutChannels(), options)
      .Wire(context.builder, x);
}

}  // namespace

C2f::C2f(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
         const Options& options)
    : hidden_(builder.HiddenChannels(out, options.expansion)) {
  builder.Record(name, options.inner == C2fInner::kBottleneck ? kC2fType : kC3k2Type)
      .Set("c", hidden_);
  cv1_ = builder.DeclareConv(name + ".cv1", in, 2 * hidden_);
  cv2_ = builder.DeclareConv(name + ".cv2", (2 + options.repeats) * hidden_, out);
  builder.Record(name + ".m", kModuleListType);
  for (int i = 0; i < options.repeats; ++i) {
    chain_.push_back(MakeInner(builder, fmt::format("{}.m.{}", name, i), hidden_, options));
  }
}

C2f::Inner C2f::MakeInner(NetworkBuilder& builder, const std::string& name, std::int64_t width,
                          const Options& options) {
  Inner inner;
  const Bottleneck::Options half{
      .shortcut = options.shortcut, .groups = options.groups, .expansion = 0.5};
  switch (options.inner) {
    case C2fInner::kBottleneck:
      inner.bottleneck.emplace(
          builder, name, width, width,
          Bottleneck::Options{
              .shortcut = options.shortcut, .groups = options.groups, .expansion = 1});
      break;
    case C2fInner::kHalfBottleneck:
      inner.bottleneck.emplace(builder, name, width, width, half);
      break;
    case C2fInner::kC3k:
      inner.c3k.emplace(
          builder, name, width, width,
          C3::Options{
              .repeats = 2, .shortcut = options.shortcut, .groups = options.groups, .kernel = 3});
      break;
    case C2fInner::kAttention:
      inner.bottleneck.emplace(builder, name + ".0", width, width, half);
      inner.attention.emplace(builder, name + ".1", width);
      break;
  }
  return inner;
}

ValueId C2f::Inner::Wire(NetworkBuilder& builder, ValueId x) const {
  if (bottleneck) x = bottleneck->Wire(builder, x);
  if (c3k) x = c3k->Wire(builder, x);
  if (attention) x = attention->Wire(builder, x);
  return x;
}

ValueId C2f::Wire(NetworkBuilder& builder, ValueId x) const {
  Graph& graph = builder.graph();
  const ValueId both = builder.Apply(cv1_, x);
  std::vector<ValueId> kept = {graph.Slice(both, 0, hidden_), graph.Slice(both, hidden_, hidden_)};
  for (const Inner& inner : chain_) kept.push_back(inner.Wire(builder, kept.back()));
  return builder.Apply(cv2_, graph.Concat(std::move(kept)));
}

constexpr ModuleRow kC2fRow{.word = "C2f",
                            .type = kC2fType,
                            .arguments = kC2fArguments,
                            .repeats = Repeats::kInside,
                            .build = BuildC2f};
constexpr ModuleRow kC3k2Row{.word = "C3k2",
                             .type = kC3k2Type,
                             .arguments = kC3k2Arguments,
                             .repeats = Repeats::kInside,
                             .build = BuildC3k2};

}  // namespace headroom
