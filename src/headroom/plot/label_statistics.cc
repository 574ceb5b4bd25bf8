// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/label_statistics.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

std::size_t Cell(float value) {
  const float position = std::clamp(value, 0.0F, 1.0F) * DensityGrid::kSide;
  return std::min(static_cast<std::size_t>(position), DensityGrid::kSide - 1);
}

}  // namespace

void DensityGrid::Add(float x, float y) {
  std::uint32_t& count = counts_[Cell(y) * kSide + Cell(x)];
  ++count;
  highest_ = std::max(highest_, count);
}

void LabelStatistics::Add(std::int32_t class_id, const Xywh& box) {
  HEADROOM_CHECK(class_id >= 0 && static_cast<std::size_t>(class_id) < class_counts_.size(),
                 fmt::format("class {} of {}", class_id, class_counts_.size()));
  HEADROOM_CHECK(std::isfinite(box.x + box.y + box.w + box.h), "a box is not finite");
  ++class_counts_[static_cast<std::size_t>(class_id)];
  centers_.Add(box.x, box.y);
  sizes_.Add(box.w, box.h);
  if (seen_++ % stride_ != 0) return;
  if (samples_.empty()) samples_.reserve(kMostSamples);
  if (samples_.size() == kMostSamples) {
    for (std::size_t i = 0; i < kMostSamples / 2; ++i) samples_[i] = samples_[2 * i];
    samples_.resize(kMostSamples / 2);
    stride_ *= 2;
    if ((seen_ - 1) % stride_ != 0) return;
  }
  samples_.push_back({class_id, box});
}

}  // namespace headroom
