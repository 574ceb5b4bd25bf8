// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/multi_scale.h"

#include "headroom/core/rng.h"

#include <algorithm>

namespace headroom {
namespace {

struct Range {
  int low;
  int high;  // Not reached.
};

Range SideRange(int image_size, double share, int stride) {
  const int low = std::max(stride, static_cast<int>(image_size * (1 - share)));
  return {low, std::max(low + 1, static_cast<int>(image_size * (1 + share) + stride))};
}

}  // namespace

int LargestMultiScale(int image_size, double share, int stride) {
  if (share <= 0) return image_size;
  return (SideRange(image_size, share, stride).high - 1) / stride * stride;
}

int MultiScaleSizes(int image_size, double share, int stride) {
  if (share <= 0) return 1;
  const Range range = SideRange(image_size, share, stride);
  return (range.high - 1) / stride - range.low / stride + 1;
}

int MultiScaleSize(std::uint64_t seed, int epoch, std::int64_t batch, int image_size, double share,
                   int stride) {
  constexpr std::uint64_t kStream = 0x4d756c7469;  // Apart from the samples' streams.
  if (share <= 0) return image_size;
  const auto [low, high] = SideRange(image_size, share, stride);
  Rng rng = Rng(seed ^ kStream)
                .Fork(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(batch));
  const auto side = static_cast<int>(rng.Integer(low, high - 1));
  return side / stride * stride;
}

}  // namespace headroom
