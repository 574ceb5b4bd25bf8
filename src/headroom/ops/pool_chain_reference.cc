// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/channel_tensors.h"
#include "headroom/ops/pool_chain.h"

#include <ATen/ATen.h>

#include <vector>

namespace headroom {

Bytes PoolChain::Workspace(const MapShape& input, Element activation) const {
  // Values and 64-bit indices of every pool, and fp32 gradients.
  const auto pools = static_cast<std::uint64_t>(pools_);
  return Bytes::Of(static_cast<std::uint64_t>(input.elements()),
                   pools * (8 + SizeOf(activation) + 8) + 16);
}

void PoolChain::Forward(OperationCall& call) const {
  std::vector<at::Tensor> pooled;
  at::Tensor x = call.inputs[0];
  for (std::int64_t i = 0; i < pools_; ++i) {
    x = at::max_pool2d(x, {kernel_, kernel_}, {1, 1}, {kernel_ / 2, kernel_ / 2});
    pooled.push_back(x);
  }
  WriteTo(call.outputs[0], at::cat(pooled, 1));
}

void PoolChain::Backward(OperationCall& call) const {
  struct Stage {
    at::Tensor input;
    at::Tensor indices;
  };
  std::vector<Stage> stages;
  at::Tensor x = call.inputs[0].to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  for (std::int64_t i = 0; i < pools_; ++i) {
    auto [value, indices] =
        at::max_pool2d_with_indices(x, {kernel_, kernel_}, {1, 1}, {kernel_ / 2, kernel_ / 2});
    stages.push_back({x, indices});
    x = value;
  }
  const at::Tensor grads = SumOf(
      call.output_grads[0], {x.size(0), channels_ * pools_, x.size(2), x.size(3)}, x.options());
  at::Tensor grad = grads.narrow(1, channels_ * (pools_ - 1), channels_);
  for (std::int64_t i = pools_ - 1; i >= 0; --i) {
    const Stage& stage = stages[static_cast<std::size_t>(i)];
    grad = at::max_pool2d_with_indices_backward(
        grad.contiguous(at::MemoryFormat::ChannelsLast), stage.input, {kernel_, kernel_}, {1, 1},
        {kernel_ / 2, kernel_ / 2}, {1, 1}, false, stage.indices);
    if (i > 0) grad = grad + grads.narrow(1, channels_ * (i - 1), channels_);
  }
  call.input_grads[0]->copy_(grad);
}

}  // namespace headroom
