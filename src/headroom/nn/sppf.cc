// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/sppf.h"

namespace headroom {

Sppf::Sppf(NetworkBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
           const Options& options)
    : name_(name), options_(options), adds_(options.shortcut && in == out) {
  const std::int64_t hidden = in / 2;
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden, {.activation = options.first_activation});
  cv2_ = builder.DeclareConv(name + ".cv2", hidden * (options.pools + 1), out);
}

ValueId Sppf::Wire(NetworkBuilder& builder, ValueId x) const {
  const ValueId y = builder.Apply(cv1_, x);
  const ValueId pooled = builder.PoolChain(y, options_.kernel, options_.pools, name_ + ".m");
  const ValueId all = builder.graph().Concat({y, pooled});
  return adds_ ? builder.ApplyWithResidual(cv2_, all, x) : builder.Apply(cv2_, all);
}

}  // namespace headroom
