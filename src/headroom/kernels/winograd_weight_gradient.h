// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/winograd.h"

#include <cstdint>

namespace headroom {

// The weight gradient of the convolutions of winograd.h, as F(3x3, 4x4) over the same tiles and
// points: sums[o][ky][kx][c] += sum over the pixels of `tiles` of gradient[o] * input[c], inputs
// beyond the border being 0. input: [N, H, W, in channels]; gradient: [N, H, W, out channels]; both
// fp32 or both bf16; sums are fp32. Both numbers of channels: multiples of WinogradLanes().
//
// scratch: WinogradWeightGradientScratch floats, of this thread: 36 * in * out for the sums of the
// transformed products, and the tiles of a block.
void AccumulateWinogradWeightGradient(const WinogradShape& shape, const void* input,
                                      const void* gradient, ElementType type, IndexRange tiles,
                                      float* scratch, float* sums);
[[nodiscard]] std::int64_t WinogradWeightGradientScratch(const WinogradShape& shape);

}  // namespace headroom
