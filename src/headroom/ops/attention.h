// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"

namespace headroom {

// Multi-head attention over the positions of a feature map (Attention of C2PSA).
//   input: qkv [N, heads * (2 key + value), H, W]; channels of a head: q, k, v.
//   outputs: x [N, heads * value, H, W] = softmax(q^T k / sqrt(key)) over keys, applied to v; and v
//   itself, gathered dense, for the positional convolution.
// Saves nothing: the weights [N, heads, HW, HW] are computed again in backward.
class Attention : public Operation {
 public:
  Attention(std::int64_t heads, std::int64_t key_dim, std::int64_t head_dim)
      : heads_(heads), key_dim_(key_dim), head_dim_(head_dim) {}
  [[nodiscard]] std::string_view type() const override { return "attention"; }
  [[nodiscard]] OperationTraits traits() const override {
    return {.inputs = {InputUse::kAny},
            .backward_reads = {true},
            .rematerialize_reads = {true},
            .passes_gradient = {false}};
  }
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override {
    return {heads_ * head_dim_, heads_ * head_dim_};
  }
  [[nodiscard]] Bytes Workspace(const MapShape& input, Element activation) const override;
  [[nodiscard]] std::int64_t MultiplyAdds(const Extent& input) const override {
    return input.area() * input.area() * heads_ * (key_dim_ + head_dim_);
  }
  [[nodiscard]] std::int64_t heads() const { return heads_; }
  [[nodiscard]] std::int64_t key_dim() const { return key_dim_; }
  [[nodiscard]] std::int64_t head_dim() const { return head_dim_; }
  void Forward(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 private:
  const std::int64_t heads_;
  const std::int64_t key_dim_;
  const std::int64_t head_dim_;
};

}  // namespace headroom
