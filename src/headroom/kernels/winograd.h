// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

// A 3x3 convolution with stride 1 and padding 1, one group, on dense channels-last images: its
// output is as large as its input.
struct WinogradShape {
  ImageShape input;
  std::int64_t out_channels = 0;
};

// Winograd's minimal filtering in two dimensions, F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015, section 4): 36 multiplications for 16 outputs of a channel
// pair instead of 144, between transforms whose cost grows with the channels, not with their
// product. Errors are below 1e-6 of the outputs' standard deviation (root mean square).
//
// Both numbers of channels must be multiples of this: a vector's lanes on this processor, but not
// fewer than 4.
[[nodiscard]] std::int64_t WinogradLanes();

// Tiles of 4x4 outputs: image after image, line of tiles after line; the last ones of a line and of
// a column may be smaller. The unit in which work is shared out.
[[nodiscard]] std::int64_t WinogradTiles(const ImageShape& image);

// Which convolution the weights are for: y = conv(x, w), or dx from dy, whose input channels are
// the output channels of w.
enum class WinogradUse : std::uint8_t { kForward, kInputGradient };

// weight: fp32 [out][3][3][in], as of y = conv(x, w). transformed: 36 * in * out floats. Filters of
// the weight's input channels [begin, end); both multiples of the lanes.
void TransformWinogradWeights(const float* weight, std::int64_t in_channels,
                              std::int64_t out_channels, WinogradUse use, IndexRange channels,
                              float* transformed);

// output(n, y, x)[o] = the convolution, for the outputs of `tiles`.
// input and output: both fp32 or both bf16; products and sums are fp32. scratch:
// WinogradScratch floats, of this thread.
void WinogradConvolve(const WinogradShape& shape, const void* input, const float* transformed,
                      ElementType type, IndexRange tiles, float* scratch, void* output);
[[nodiscard]] std::int64_t WinogradScratch(const WinogradShape& shape);

}  // namespace headroom
