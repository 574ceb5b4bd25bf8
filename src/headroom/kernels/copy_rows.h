// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>
#include <span>

namespace headroom {

inline constexpr std::size_t kMaxSumSources = 8;

// Rows from one tensor to another, converted when the types differ: concatenation and splitting,
// where the graph could not avoid them. The tensors do not overlap.
void CopyRows(const ConstRowTensor& from, std::int64_t channels, IndexRange rows,
              const RowTensor& to);

// to = sum of the sources (1 .. kMaxSumSources), added in fp32 in their order, rounded once: a
// residual, the gradient of what several operations read. to may be one of the sources (same data,
// stride and type); otherwise it overlaps none.
void SumRows(std::span<const ConstRowTensor> sources, std::int64_t channels, IndexRange rows,
             const RowTensor& to);

}  // namespace headroom
