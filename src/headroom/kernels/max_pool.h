// SPDX-License-Identifier: Apache-2.0
// Max-pooling with stride 1 and padding kernel / 2 (kernel odd). Nothing but the pooled tensor
// itself is kept for backward: the winners are found again. Of equal values the first in scan order
// wins and a NaN always does, as in LibTorch. A window is searched along lines, then across (2k
// instead of k * k steps); that finds the same winner. Work is counted in items: item i is image i
// / tiles and channels [16 t, 16 t + 16) with t = i % tiles, tiles = ceil(channels / 16). Disjoint
// ranges of items may run at the same time.
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>
#include <span>

namespace headroom {

struct MaxPool {
  ImageShape shape;
  std::int64_t kernel = 5;  // odd
};

[[nodiscard]] std::int64_t MaxPoolItems(const ImageShape& shape);
// fp32 elements of scratch that one call needs, forward or backward: 5 * 16 * height * width.
[[nodiscard]] std::int64_t MaxPoolScratchSize(const ImageShape& shape);

// What one call does, and its scratch, which calls at the same time must not share.
struct PoolWork {
  IndexRange items;
  std::span<float> scratch;
};

// to may be `from` itself. Throws InternalError on an even kernel or too little scratch, as all
// here.
void RunMaxPool(const MaxPool& pool, const ConstRowTensor& from, const PoolWork& work,
                const RowTensor& to);

// gradient_from (+)= gradient of `from`, given that of the result. gradient_from may be gradient_to
// itself with kAssign. Sums in fp32, rounded once.
void RunMaxPoolBackward(const MaxPool& pool, const ConstRowTensor& from,
                        const ConstRowTensor& gradient_to, const PoolWork& work,
                        GradientWrite write, const RowTensor& gradient_from);

}  // namespace headroom
