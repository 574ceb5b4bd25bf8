// SPDX-License-Identifier: Apache-2.0
// For the tests of the kernels of weight gradients: the definition.
#pragma once

#include "headroom/kernels/weight_gradient.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom::testing {

inline std::size_t Count(std::int64_t count) { return static_cast<std::size_t>(count); }

// The definition, in double; adds to what is there.
inline std::vector<double> WeightGradientByDefinition(const ConvolutionShape& s,
                                                      const std::vector<float>& input,
                                                      const std::vector<float>& gradient,
                                                      IndexRange lines, double before) {
  std::vector<double> sums(Count(s.out_channels * s.kernel * s.kernel * s.input.channels), before);
  for (std::int64_t line = lines.begin; line < lines.end; ++line) {
    for (std::int64_t x = 0; x < s.out_width; ++x) {
      for (std::int64_t k = 0; k < s.kernel * s.kernel; ++k) {
        const std::int64_t iy = line % s.out_height * s.stride + k / s.kernel - s.padding;
        const std::int64_t ix = x * s.stride + k % s.kernel - s.padding;
        if (iy < 0 || iy >= s.input.height || ix < 0 || ix >= s.input.width) continue;
        const float* in = &input[Count(
            ((line / s.out_height * s.input.height + iy) * s.input.width + ix) * s.input.channels)];
        const float* g = &gradient[Count((line * s.out_width + x) * s.out_channels)];
        for (std::int64_t o = 0; o < s.out_channels; ++o) {
          for (std::int64_t c = 0; c < s.input.channels; ++c) {
            sums[Count((o * s.kernel * s.kernel + k) * s.input.channels + c)] +=
                static_cast<double>(g[o]) * static_cast<double>(in[c]);
          }
        }
      }
    }
  }
  return sums;
}

}  // namespace headroom::testing
