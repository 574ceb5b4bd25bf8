// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

// Nearest neighbour, twice as high and wide: to(n, 2y + i, 2x + j) = from(n, y, x) for i, j in {0,
// 1}. shape is that of `from`; lines are those of `from`, image after image: [0, images * height).
// The destination may be a slice of a wider tensor. No overlap.
void UpsampleNearest2x(const ImageShape& shape, const ConstRowTensor& from, IndexRange lines,
                       const RowTensor& to);

// The gradient: to(n, y, x) (+)= the sum of the four pixels of `from`, in fp32, rounded once. shape
// and lines are those of `to`, the smaller one. No overlap.
void UpsampleNearest2xBackward(const ImageShape& shape, const ConstRowTensor& from,
                               IndexRange lines, GradientWrite write, const RowTensor& to);

}  // namespace headroom
