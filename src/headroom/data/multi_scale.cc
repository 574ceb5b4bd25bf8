// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/multi_scale.h"

#include "headroom/core/rng.h"

#include <algorithm>

namespace headroom {

int MultiScaleSize(std::uint64_t seed, int epoch, std::int64_t batch, int image_size, double share,
                   int stride) {
  constexpr std::uint64_t kStream = 0x4d756c7469;  // Apart from the samples' streams.
  if (share <= 0) return image_size;
  const int low = std::max(stride, static_cast<int>(image_size * (1 - share)));
  const int high = static_cast<int>(image_size * (1 + share) + stride);  // Not reached.
  Rng rng = Rng(seed ^ kStream)
                .Fork(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(batch));
  const auto side = static_cast<int>(rng.Integer(low, std::max(low, high - 1)));
  return side / stride * stride;
}

}  // namespace headroom
