// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c2f.h"

#include <fmt/format.h>

namespace headroom {

C2f::C2f(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
         const Options& options)
    : hidden_(static_cast<std::int64_t>(static_cast<double>(out) * options.expansion)) {
  cv1_ = builder.DeclareConv(name + ".cv1", in, 2 * hidden_);
  cv2_ = builder.DeclareConv(name + ".cv2", (2 + options.repeats) * hidden_, out);
  for (int i = 0; i < options.repeats; ++i) {
    chain_.push_back(MakeInner(builder, fmt::format("{}.m.{}", name, i), hidden_, options));
  }
}

C2f::Inner C2f::MakeInner(NetworkBuilder& builder, const std::string& name, std::int64_t width,
                          const Options& options) {
  Inner inner;
  const Bottleneck::Options half{.shortcut = options.shortcut, .expansion = 0.5};
  switch (options.inner) {
    case C2fInner::kBottleneck:
      inner.bottleneck.emplace(builder, name, width, width,
                               Bottleneck::Options{.shortcut = options.shortcut, .expansion = 1});
      break;
    case C2fInner::kHalfBottleneck:
      inner.bottleneck.emplace(builder, name, width, width, half);
      break;
    case C2fInner::kC3k:
      inner.c3k.emplace(builder, name, width, width,
                        C3::Options{.repeats = 2, .shortcut = options.shortcut, .first_kernel = 3});
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

}  // namespace headroom
