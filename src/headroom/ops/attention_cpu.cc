// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/attention_cpu.h"

#include "headroom/graph/channel_passes.h"
#include "headroom/graph/row_stretches.h"
#include "headroom/graph/row_views.h"
#include "headroom/kernels/attention.h"
#include "headroom/kernels/copy_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// What one thread works on: matrices of one head of one image, fp32, [positions, width].
struct HeadMatrices {
  at::Tensor q, k, v, out;
  at::Tensor weights;  // [positions, positions]
  at::Tensor d_out, d_weights, d_k;
};

struct HeadSizes {
  std::int64_t positions;
  std::int64_t key;
  std::int64_t value;
};

std::int64_t MatrixElements(const HeadSizes& sizes, bool backward) {
  const auto& [p, key, value] = sizes;
  const std::int64_t forward = p * (2 * key + 2 * value + p);
  return backward ? forward + p * (value + p + key) : forward;
}

HeadMatrices Cut(at::Tensor room, const HeadSizes& sizes, bool backward) {
  std::int64_t at = 0;
  const auto take = [&](std::int64_t columns) {
    const at::Tensor matrix =
        room.narrow(0, at, sizes.positions * columns).view({sizes.positions, columns});
    at += sizes.positions * columns;
    return matrix;
  };
  HeadMatrices m;
  m.q = take(sizes.key);
  m.k = take(sizes.key);
  m.v = take(sizes.value);
  m.out = take(sizes.value);
  m.weights = take(sizes.positions);
  if (!backward) return m;
  m.d_out = take(sizes.value);
  m.d_weights = take(sizes.positions);
  m.d_k = take(sizes.key);
  return m;
}

RowTensor Rows(const at::Tensor& matrix) {
  return {matrix.mutable_data_ptr<float>(), matrix.size(1)};
}

// Channels [first, ...) of one image of a map, to a matrix and back.
void Load(const at::Tensor& map, std::int64_t image, std::int64_t first, const at::Tensor& matrix) {
  const std::int64_t positions = matrix.size(0);
  CopyRows(Offset(RowsOf(map), image * positions, first), matrix.size(1), {0, positions},
           Rows(matrix));
}

void Store(const at::Tensor& matrix, const at::Tensor& map, std::int64_t image,
           std::int64_t first) {
  const std::int64_t positions = matrix.size(0);
  CopyRows(Rows(matrix), matrix.size(1), {0, positions},
           Offset(RowsOf(map), image * positions, first));
}

// The matrix holds channels [first, ...) of a value: every destination takes what it asks for.
void StoreToAll(const at::Tensor& matrix, std::int64_t image, std::int64_t first,
                const std::vector<ChannelTensor>& destinations) {
  const std::int64_t positions = matrix.size(0);
  for (const ChannelTensor& destination : destinations) {
    const std::int64_t begin = std::max(first, destination.first_channel);
    const std::int64_t end =
        std::min(first + matrix.size(1), destination.first_channel + destination.tensor.size(1));
    if (begin >= end) continue;
    CopyRows(
        Offset(Rows(matrix), 0, begin - first), end - begin, {0, positions},
        Offset(RowsOf(destination.tensor), image * positions, begin - destination.first_channel));
  }
}

float ScoreScale(std::int64_t key_dim) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(key_dim)));
}

void ComputeWeights(HeadMatrices& m) {
  at::mm_out(m.weights, m.q, m.k.t());
  const std::int64_t positions = m.weights.size(0);
  SoftmaxRows(Rows(m.weights), positions, ScoreScale(m.q.size(1)), {0, positions});
}

// run(matrices, image, head) for every head of every image; a thread keeps its matrices.
template <typename Run>
void ForEachHead(const HeadSizes& sizes, std::int64_t images, std::int64_t heads, bool backward,
                 const Run& run) {
  const std::int64_t stretches = StretchCount(images * heads);
  const at::Tensor room = at::empty({stretches, MatrixElements(sizes, backward)}, at::kFloat);
  ForEachStretch(images * heads, [&](std::size_t i, IndexRange range) {
    const at::NoGradGuard no_grad;
    HeadMatrices matrices = Cut(room.select(0, static_cast<std::int64_t>(i)), sizes, backward);
    for (std::int64_t item = range.begin; item < range.end; ++item)
      run(matrices, item / heads, item % heads);
  });
}

}  // namespace

Bytes AttentionCpu::Workspace(const MapShape& input, Element /*activation*/) const {
  const HeadSizes sizes{input.extent.area(), key_dim(), head_dim()};
  const auto threads = static_cast<std::uint64_t>(at::get_num_threads());
  const std::int64_t sums = 2 * input.rows() * heads() * head_dim();
  return Bytes::Of(threads * static_cast<std::uint64_t>(MatrixElements(sizes, true)), 4) +
         Bytes::Of(static_cast<std::uint64_t>(sums), 4);
}

void AttentionCpu::Forward(OperationCall& call) const {
  const at::Tensor& qkv = call.inputs[0];
  const HeadSizes sizes{qkv.size(2) * qkv.size(3), key_dim(), head_dim()};
  const std::int64_t width = 2 * key_dim() + head_dim();
  const auto head = [&](HeadMatrices& m, std::int64_t image, std::int64_t index) {
    Load(qkv, image, index * width + 2 * key_dim(), m.v);
    StoreToAll(m.v, image, index * head_dim(), call.outputs[1]);
    if (call.outputs[0].empty()) return;
    Load(qkv, image, index * width, m.q);
    Load(qkv, image, index * width + key_dim(), m.k);
    ComputeWeights(m);
    at::mm_out(m.out, m.weights, m.v);
    StoreToAll(m.out, image, index * head_dim(), call.outputs[0]);
  };
  ForEachHead(sizes, qkv.size(0), heads(), false, head);
}

void AttentionCpu::Backward(OperationCall& call) const {
  const at::Tensor& qkv = call.inputs[0];
  const at::Tensor& d_qkv = *call.input_grads[0];
  const HeadSizes sizes{qkv.size(2) * qkv.size(3), key_dim(), head_dim()};
  const std::int64_t width = 2 * key_dim() + head_dim();
  const auto sum = [&](const std::vector<ChannelTensor>& sources) {
    at::Tensor dense = at::empty({qkv.size(0), heads() * head_dim(), qkv.size(2), qkv.size(3)},
                                 qkv.options().dtype(at::kFloat), at::MemoryFormat::ChannelsLast);
    SumChannels(sources, dense);
    return dense;
  };
  const at::Tensor d_x = sum(call.output_grads[0]);
  const at::Tensor d_value = sum(call.output_grads[1]);
  const auto head = [&](HeadMatrices& m, std::int64_t image, std::int64_t index) {
    Load(qkv, image, index * width, m.q);
    Load(qkv, image, index * width + key_dim(), m.k);
    Load(qkv, image, index * width + 2 * key_dim(), m.v);
    Load(d_x, image, index * head_dim(), m.d_out);
    ComputeWeights(m);
    at::mm_out(m.d_weights, m.d_out, m.v.t());
    Load(d_value, image, index * head_dim(), m.out);
    m.out.addmm_(m.weights.t(), m.d_out);
    Store(m.out, d_qkv, image, index * width + 2 * key_dim());
    SoftmaxRowsBackward(Rows(m.weights), Rows(m.d_weights), sizes.positions, ScoreScale(key_dim()),
                        {0, sizes.positions}, Rows(m.d_weights));
    at::mm_out(m.d_k, m.d_weights.t(), m.q);
    at::mm_out(m.q, m.d_weights, m.k);
    Store(m.q, d_qkv, image, index * width);
    Store(m.d_k, d_qkv, image, index * width + key_dim());
  };
  ForEachHead(sizes, qkv.size(0), heads(), true, head);
}

}  // namespace headroom
