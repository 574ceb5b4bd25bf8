// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/c2psa.h"

#include <fmt/format.h>

namespace headroom {

C2Psa::C2Psa(NetworkBuilder& builder, const std::string& name, std::int64_t channels, int repeats,
             double expansion)
    : hidden_(static_cast<std::int64_t>(static_cast<double>(channels) * expansion)) {
  cv1_ = builder.DeclareConv(name + ".cv1", channels, 2 * hidden_);
  cv2_ = builder.DeclareConv(name + ".cv2", 2 * hidden_, channels);
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

}  // namespace headroom
