// SPDX-License-Identifier: Apache-2.0
// Softmax over rows of scores: between the matrix products of self-attention (Vaswani et al. 2017,
// arXiv:1706.03762, eq. 1).
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

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
