// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

// A dense 2-D convolution (one group, square kernel) between two batches of images.
struct ConvolutionShape {
  ImageShape input;  // [N, H, W, in channels].
  std::int64_t out_height = 0;
  std::int64_t out_width = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

// sums[o][ky][kx][c] += sum over pixels (n, y, x) of gradient(n, y, x)[o] *
// input(n, y * stride + ky - padding, x * stride + kx - padding)[c], the input being 0 outside.
// Both fp32. lines: of the output, image after image, [0, N * out_height).
//
// oneDNN 3.12 reaches a fifth to a half of the processor's multiplications here where there is no
// AVX-512. This copies a band of lines into panels that stay in the caches (as Goto and van de
// Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008, do for a product of matrices)
// and keeps a tile of sums in registers over all pixels of the band.
//
// scratch: WeightGradientScratch floats, of this thread.
void AccumulateWeightGradient(const ConvolutionShape& shape, const float* input,
                              const float* gradient, IndexRange lines, float* scratch, float* sums);
[[nodiscard]] std::int64_t WeightGradientScratch(const ConvolutionShape& shape);

}  // namespace headroom
