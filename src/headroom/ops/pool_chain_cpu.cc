// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/pool_chain_cpu.h"

#include "headroom/graph/channel_passes.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/max_pool.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <span>
#include <vector>

namespace headroom {
namespace {

at::Tensor DenseFloats(const at::Tensor& like, std::int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)},
                   like.options().dtype(at::kFloat), at::MemoryFormat::ChannelsLast);
}

// A stretch of items a thread, with scratch of its own.
template <typename Run>
void ForEachPoolStretch(const ImageShape& shape, const Run& run) {
  const std::int64_t items = MaxPoolItems(shape);
  const std::int64_t each = MaxPoolScratchSize(shape);
  const at::Tensor scratch = at::empty({StretchCount(items), each}, at::kFloat);
  float* data = scratch.mutable_data_ptr<float>();
  ForEachStretch(items, [&](std::size_t i, IndexRange range) {
    const auto size = static_cast<std::size_t>(each);
    run(PoolWork{range, std::span<float>(data + i * size, size)});
  });
}

}  // namespace

Bytes PoolChainCpu::Workspace(const MapShape& input, Element /*activation*/) const {
  const ImageShape shape{input.images, input.extent.height, input.extent.width, input.channels};
  const auto elements = static_cast<std::uint64_t>(input.elements());
  const auto scratch =
      static_cast<std::uint64_t>(at::get_num_threads() * MaxPoolScratchSize(shape));
  // Backward: the values between the pools, and the gradients of all.
  return Bytes::Of(elements * static_cast<std::uint64_t>(2 * pools() - 1), 4) +
         Bytes::Of(scratch, 4);
}

void PoolChainCpu::Forward(OperationCall& call) const {
  const at::Tensor& x = call.inputs[0];
  const std::int64_t channels = x.size(1);
  std::vector<ChannelTensor>& destinations = call.outputs[0];
  if (destinations.empty()) return;
  const RowTensor to = RowsOf(destinations[0].tensor);
  if (destinations[0].tensor.size(1) != channels * pools()) {
    PoolChain::Forward(call);
    return;
  }
  const MaxPool pool{ImageShapeOf(x), kernel()};
  ForEachPoolStretch(pool.shape, [&](const PoolWork& work) {
    ConstRowTensor from = RowsOf(x);
    for (std::int64_t k = 0; k < pools(); ++k) {
      const RowTensor slice = Offset(to, 0, k * channels);
      RunMaxPool(pool, from, work, slice);
      from = slice;
    }
  });
  for (std::size_t i = 1; i < destinations.size(); ++i) {
    const at::Tensor& copy = destinations[i].tensor;
    CopyChannels(destinations[0].tensor.narrow(1, destinations[i].first_channel, copy.size(1)),
                 copy);
  }
}

void PoolChainCpu::Backward(OperationCall& call) const {
  const at::Tensor& x = call.inputs[0];
  const std::int64_t channels = x.size(1);
  const at::Tensor sums = DenseFloats(x, channels * pools());
  SumChannels(call.output_grads[0], sums);
  const at::Tensor between = DenseFloats(x, channels * (pools() - 1));
  const MaxPool pool{ImageShapeOf(x), kernel()};
  const auto value = [&](std::int64_t k) -> ConstRowTensor {
    return k == 0 ? RowsOf(x) : Offset(RowsOf(between), 0, (k - 1) * channels);
  };
  ForEachPoolStretch(pool.shape, [&](const PoolWork& work) {
    for (std::int64_t k = 1; k < pools(); ++k)
      RunMaxPool(pool, value(k - 1), work, Offset(RowsOf(between), 0, (k - 1) * channels));
    for (std::int64_t k = pools() - 1; k > 0; --k) {
      RunMaxPoolBackward(pool, value(k), Offset(RowsOf(sums), 0, k * channels), work,
                         GradientWrite::kAccumulate, Offset(RowsOf(sums), 0, (k - 1) * channels));
    }
    RunMaxPoolBackward(pool, value(0), RowsOf(sums), work, GradientWrite::kAssign,
                       RowsOf(*call.input_grads[0]));
  });
}

}  // namespace headroom
