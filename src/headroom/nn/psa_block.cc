// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/psa_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {

PsaBlock::PsaBlock(NetworkBuilder& builder, const std::string& name, std::int64_t channels)
    : name_(name),
      heads_(std::max<std::int64_t>(channels / 64, 1)),
      head_dim_(channels / heads_),
      key_dim_(head_dim_ / 2) {
  constexpr auto kNone = ConvActivation::kNone;
  if (head_dim_ * heads_ != channels) {
    builder.Fail(
        fmt::format("attention shares {} channels among {} heads, which leaves some over; give a "
                    "multiple of {}",
                    channels, heads_, heads_));
  }
  if (key_dim_ < 1) builder.Fail("attention needs at least 2 channels");
  builder.Record(name, "ultralytics.nn.modules.block.PSABlock").Set("add", true);
  builder.Record(name + ".attn", "ultralytics.nn.modules.block.Attention")
      .Set("num_heads", heads_)
      .Set("head_dim", head_dim_)
      .Set("key_dim", key_dim_)
      .Set("scale", std::pow(static_cast<double>(key_dim_), -0.5));
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
