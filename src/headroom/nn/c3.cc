// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c3.h"

#include <fmt/format.h>

namespace headroom {

C3::C3(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
       const Options& options) {
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(out) * options.expansion);
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden);
  cv2_ = builder.DeclareConv(name + ".cv2", in, hidden);
  cv3_ = builder.DeclareConv(name + ".cv3", 2 * hidden, out);
  for (int i = 0; i < options.repeats; ++i) {
    chain_.emplace_back(
        builder, fmt::format("{}.m.{}", name, i), hidden, hidden,
        Bottleneck::Options{
            .shortcut = options.shortcut, .first_kernel = options.first_kernel, .expansion = 1});
  }
}

ValueId C3::Wire(NetworkBuilder& builder, ValueId x) const {
  ValueId through = builder.Apply(cv1_, x);
  for (const Bottleneck& bottleneck : chain_) through = bottleneck.Wire(builder, through);
  const ValueId beside = builder.Apply(cv2_, x);
  return builder.Apply(cv3_, builder.graph().Concat({through, beside}));
}

}  // namespace headroom
