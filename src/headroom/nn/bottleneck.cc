// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/bottleneck.h"

namespace headroom {

Bottleneck::Bottleneck(NetworkBuilder& builder, const std::string& name, std::int64_t in,
                       std::int64_t out, const Options& options)
    : adds_(options.shortcut && in == out) {
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(out) * options.expansion);
  cv1_ = builder.DeclareConv(name + ".cv1", in, hidden, {.kernel = options.first_kernel});
  cv2_ = builder.DeclareConv(name + ".cv2", hidden, out, {.kernel = options.second_kernel});
}

ValueId Bottleneck::Wire(NetworkBuilder& builder, ValueId x) const {
  const ValueId hidden = builder.Apply(cv1_, x);
  return adds_ ? builder.ApplyWithResidual(cv2_, hidden, x) : builder.Apply(cv2_, hidden);
}

}  // namespace headroom
