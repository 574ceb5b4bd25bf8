// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace headroom {

// Calls use(y, begin, end) for every run of pixels [begin, end) of row y whose centres lie inside
// the polygon (even-odd rule) and inside the height x width image. points: x, y pairs. `crossings`
// is scratch that keeps its memory. O(rows * points).
template <typename Use>
void ForEachPolygonRun(std::span<const float> points_xy, int height, int width,
                       std::vector<float>* crossings, Use&& use) {
  const std::size_t count = points_xy.size() / 2;
  if (count < 3) return;
  float top = points_xy[1];
  float bottom = points_xy[1];
  for (std::size_t i = 1; i < count; ++i) {
    top = std::min(top, points_xy[2 * i + 1]);
    bottom = std::max(bottom, points_xy[2 * i + 1]);
  }
  const auto pixel = [](float coordinate, int limit) {  // The first whose centre is not before it.
    return static_cast<int>(
        std::clamp(std::ceil(coordinate - 0.5F), 0.F, static_cast<float>(limit)));
  };
  for (int y = pixel(top, height); y < pixel(bottom, height); ++y) {
    const float centre = static_cast<float>(y) + 0.5F;
    crossings->clear();
    for (std::size_t i = 0, j = count - 1; i < count; j = i++) {
      const float yi = points_xy[2 * i + 1];
      const float yj = points_xy[2 * j + 1];
      if ((yi > centre) == (yj > centre)) continue;
      const float xi = points_xy[2 * i];
      const float xj = points_xy[2 * j];
      crossings->push_back(xi + (centre - yi) * (xj - xi) / (yj - yi));
    }
    std::sort(crossings->begin(), crossings->end());
    for (std::size_t k = 0; k + 1 < crossings->size(); k += 2) {
      const int begin = pixel((*crossings)[k], width);
      const int end = pixel((*crossings)[k + 1], width);
      if (begin < end) use(y, begin, end);
    }
  }
}

}  // namespace headroom
