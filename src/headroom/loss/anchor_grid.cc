// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/anchor_grid.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr float kInsideMargin = 1e-9F;  // Pixels.

float Centre(int cell, int stride) {
  return (static_cast<float>(cell) + 0.5F) * static_cast<float>(stride);
}

// First cell whose centre is right of `low`: estimated, then put right by the exact comparison.
int FirstAfter(float low, int stride, int cells) {
  const float estimate = std::ceil(low / static_cast<float>(stride) - 0.5F);
  int cell = static_cast<int>(std::clamp(estimate, 0.F, static_cast<float>(cells)));
  while (cell > 0 && Centre(cell - 1, stride) - low > kInsideMargin) --cell;
  while (cell < cells && !(Centre(cell, stride) - low > kInsideMargin)) ++cell;
  return cell;
}

// One past the last cell whose centre is left of `high`.
int EndBefore(float high, int stride, int cells) {
  const float estimate = std::ceil(high / static_cast<float>(stride) - 0.5F);
  int cell = static_cast<int>(std::clamp(estimate, 0.F, static_cast<float>(cells)));
  while (cell < cells && high - Centre(cell, stride) > kInsideMargin) ++cell;
  while (cell > 0 && !(high - Centre(cell - 1, stride) > kInsideMargin)) --cell;
  return cell;
}

}  // namespace

AnchorGrid::AnchorGrid(std::span<const AnchorLevel> levels)
    : levels_(levels.begin(), levels.end()) {
  for (AnchorLevel& level : levels_) {
    HEADROOM_CHECK(level.height > 0 && level.width > 0 && level.stride > 0,
                   "a head map without cells");
    level.first_anchor = anchors_;
    anchors_ += level.anchors();
  }
}

AnchorGrid AnchorGrid::ForImage(int height, int width, std::span<const int> strides) {
  std::vector<AnchorLevel> levels;
  levels.reserve(strides.size());
  for (const int stride : strides) {
    levels.push_back({.height = height / stride, .width = width / stride, .stride = stride});
  }
  return {levels};
}

const AnchorLevel& AnchorGrid::LevelOf(std::int32_t anchor) const {
  std::size_t i = levels_.size() - 1;
  while (levels_[i].first_anchor > anchor) --i;
  return levels_[i];
}

CellRange CellsInside(const AnchorLevel& level, const Xyxy& box) {
  if (!(box.x2 > box.x1) || !(box.y2 > box.y1)) return {};
  return {.row_begin = FirstAfter(box.y1, level.stride, level.height),
          .row_end = EndBefore(box.y2, level.stride, level.height),
          .column_begin = FirstAfter(box.x1, level.stride, level.width),
          .column_end = EndBefore(box.x2, level.stride, level.width)};
}

}  // namespace headroom
