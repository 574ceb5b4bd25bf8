// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/network_builder.h"

namespace headroom {

// x += attention(x); x += ffn(x), with position-sensitive attention: a depth-wise 3x3 convolution
// of v is added to what the heads give. Heads = max(channels / 64, 1), keys half as wide as values.
class PsaBlock {
 public:
  PsaBlock(NetworkBuilder& builder, const std::string& name, std::int64_t channels);
  ValueId Wire(NetworkBuilder& builder, ValueId x) const;

 private:
  ValueId WireAttention(NetworkBuilder& builder, ValueId x) const;

  std::string name_;
  std::int64_t heads_;
  std::int64_t head_dim_;
  std::int64_t key_dim_;
  ConvBlock qkv_;
  ConvBlock projection_;
  ConvBlock position_;
  ConvBlock expand_;
  ConvBlock contract_;
};

}  // namespace headroom
