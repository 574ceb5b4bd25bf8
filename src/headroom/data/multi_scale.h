// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace headroom {

// The side of a batch's pictures with multi_scale=share: uniform between (1 - share) and (1 +
// share) of image_size, a multiple of the stride, at least one stride (8.4.190). A function of its
// arguments alone, whatever was drawn before. share 0: image_size itself.
[[nodiscard]] int MultiScaleSize(std::uint64_t seed, int epoch, std::int64_t batch, int image_size,
                                 double share, int stride);
// The largest side that may be drawn, and how many different ones there are.
[[nodiscard]] int LargestMultiScale(int image_size, double share, int stride);
[[nodiscard]] int MultiScaleSizes(int image_size, double share, int stride);

}  // namespace headroom
