// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/attention.h"
#include "headroom/ops/channel_tensors.h"

#include <ATen/ATen.h>

#include <cmath>

namespace headroom {
namespace {

// Rows [N, heads, HW, c] of a channels-last map, fp32.
struct HeadRows {
  at::Tensor q, k, v;
};

HeadRows Gather(const at::Tensor& qkv, std::int64_t heads, std::int64_t key, std::int64_t value) {
  const std::int64_t positions = qkv.size(2) * qkv.size(3);
  const at::Tensor rows = qkv.permute({0, 2, 3, 1})
                              .reshape({qkv.size(0), positions, heads, 2 * key + value})
                              .permute({0, 2, 1, 3})
                              .to(at::kFloat);
  return {rows.narrow(3, 0, key).contiguous(), rows.narrow(3, key, key).contiguous(),
          rows.narrow(3, 2 * key, value).contiguous()};
}

// [N, heads, HW, c] back to a map [N, heads * c, H, W].
at::Tensor ToMap(const at::Tensor& rows, std::int64_t height, std::int64_t width) {
  return rows.permute({0, 2, 1, 3})
      .reshape({rows.size(0), height, width, rows.size(1) * rows.size(3)})
      .permute({0, 3, 1, 2});
}

at::Tensor Weights(const HeadRows& rows) {
  const double scale = 1 / std::sqrt(static_cast<double>(rows.q.size(3)));
  return at::softmax(at::matmul(rows.q, rows.k.transpose(2, 3)).mul_(scale), -1);
}

}  // namespace

Bytes Attention::Workspace(const MapShape& input, Element /*activation*/) const {
  const auto area = static_cast<std::uint64_t>(input.extent.area());
  const auto images = static_cast<std::uint64_t>(input.images);
  const auto channels = static_cast<std::uint64_t>(input.channels);
  // Four matrices of weights (weights, their gradient, two products), and q, k, v with gradients.
  return Bytes::Of(images * static_cast<std::uint64_t>(heads_) * area * area, 4 * 4) +
         Bytes::Of(images * area * channels, 4 * 6);
}

void Attention::Forward(OperationCall& call) const {
  const at::Tensor& qkv = call.inputs[0];
  const HeadRows rows = Gather(qkv, heads_, key_dim_, head_dim_);
  if (!call.outputs[1].empty()) WriteTo(call.outputs[1], ToMap(rows.v, qkv.size(2), qkv.size(3)));
  if (!call.outputs[0].empty())
    WriteTo(call.outputs[0], ToMap(at::matmul(Weights(rows), rows.v), qkv.size(2), qkv.size(3)));
}

void Attention::Backward(OperationCall& call) const {
  const at::Tensor& qkv = call.inputs[0];
  const HeadRows rows = Gather(qkv, heads_, key_dim_, head_dim_);
  const at::Tensor weights = Weights(rows);
  const auto grad_rows = [&](const std::vector<ChannelTensor>& sources) {
    const at::Tensor sum =
        SumOf(sources, {qkv.size(0), heads_ * head_dim_, qkv.size(2), qkv.size(3)}, qkv.options());
    return sum.permute({0, 2, 3, 1})
        .reshape({qkv.size(0), -1, heads_, head_dim_})
        .permute({0, 2, 1, 3})
        .contiguous();
  };
  const at::Tensor d_out = grad_rows(call.output_grads[0]);
  const at::Tensor d_v =
      at::matmul(weights.transpose(2, 3), d_out) + grad_rows(call.output_grads[1]);
  const at::Tensor d_weights = at::matmul(d_out, rows.v.transpose(2, 3));
  const double scale = 1 / std::sqrt(static_cast<double>(key_dim_));
  const at::Tensor d_scores = weights * (d_weights - (d_weights * weights).sum(-1, true)) * scale;
  const at::Tensor d_q = at::matmul(d_scores, rows.k);
  const at::Tensor d_k = at::matmul(d_scores.transpose(2, 3), rows.q);
  call.input_grads[0]->copy_(ToMap(at::cat({d_q, d_k, d_v}, 3), qkv.size(2), qkv.size(3)));
}

}  // namespace headroom
