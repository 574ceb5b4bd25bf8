// SPDX-License-Identifier: Apache-2.0
// Around the matrix products of self-attention (Vaswani et al. 2017, arXiv:1706.03762, eq. 1): the
// heads' channels in and out of row tensors, and softmax over rows of scores.
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

struct AttentionShape {
  std::int64_t images = 0;
  std::int64_t pixels = 0;  // of one image
  std::int64_t heads = 0;
};

// Where q, k, v or the output lie among the channels of a row: head h has channels
// [first + h * step, + count). With [q k v] a head of widths (d, d, w): q is {0, 2d + w, d},
// k {d, 2d + w, d}, v {2d, 2d + w, w}; heads side by side are {0, w, w}.
struct HeadChannels {
  std::int64_t first = 0;
  std::int64_t step = 0;
  std::int64_t count = 0;
};

// Between rows [images * pixels, ...] and blocks [images * heads * pixels, count], whose block
// image * heads + head is one matrix [pixels, count]. items counts blocks. Types may differ. No
// overlap.
void GatherHeads(const AttentionShape& shape, const ConstRowTensor& rows,
                 const HeadChannels& channels, IndexRange items, const RowTensor& blocks);
void ScatterHeads(const AttentionShape& shape, const ConstRowTensor& blocks,
                  const HeadChannels& channels, IndexRange items, const RowTensor& rows);

// Row by row p = softmax(scale * scores), in place; the row's maximum is subtracted first. scale >
// 0. What is below the maximum by 87 / scale or more gives 0, minus infinity included. A NaN, plus
// infinity or nothing but minus infinity makes the row NaN, as in LibTorch.
void SoftmaxRows(const RowTensor& scores, std::int64_t columns, float scale, IndexRange rows);

// gradient_scores = scale * p * (gradient_p - sum over the row of gradient_p * p). The result may
// be gradient_p or p itself (same data, stride and type).
void SoftmaxRowsBackward(const ConstRowTensor& p, const ConstRowTensor& gradient_p,
                         std::int64_t columns, float scale, IndexRange rows,
                         const RowTensor& gradient_scores);

}  // namespace headroom
