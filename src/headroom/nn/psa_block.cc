// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/psa_block.h"

#include <algorithm>

namespace headroom {

PsaBlock::PsaBlock(NetworkBuilder& builder, const std::string& name, std::int64_t channels)
    : name_(name),
      heads_(std::max<std::int64_t>(channels / 64, 1)),
      head_dim_(channels / heads_),
      key_dim_(head_dim_ / 2) {
  constexpr auto kNone = Activation::kIdentity;
  qkv_ = builder.DeclareConv(name + ".attn.qkv", channels, channels + 2 * key_dim_ * heads_,
                             {.activation = kNone});
  projection_ = builder.DeclareConv(name + ".attn.proj", channels, channels, {.activation = kNone});
  position_ = builder.DeclareConv(name + ".attn.pe", channels, channels,
                                  {.kernel = 3, .groups = channels, .activation = kNone});
  expand_ = builder.DeclareConv(name + ".ffn.0", channels, 2 * channels);
  contract_ = builder.DeclareConv(name + ".ffn.1", 2 * channels, channels, {.activation = kNone});
}

ValueId PsaBlock::WireAttention(NetworkBuilder& builder, ValueId x) const {
  const ValueId qkv = builder.Apply(qkv_, x);
  const auto outputs =
      builder.graph().AddNode(builder.factory().MakeAttention(heads_, key_dim_, head_dim_), {{qkv}},
                              name_ + ".attn", builder.layer());
  const ValueId with_position = builder.ApplyWithResidual(position_, outputs[1], outputs[0]);
  return builder.ApplyWithResidual(projection_, with_position, x);
}

ValueId PsaBlock::Wire(NetworkBuilder& builder, ValueId x) const {
  const ValueId attended = WireAttention(builder, x);
  return builder.ApplyWithResidual(contract_, builder.Apply(expand_, attended), attended);
}

}  // namespace headroom
