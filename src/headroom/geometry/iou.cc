// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/iou.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

namespace headroom {

void PairwiseIou(std::span<const Xyxy> rows, std::span<const Xyxy> columns, std::span<float> out) {
  HEADROOM_CHECK(
      out.size() == rows.size() * columns.size(),
      fmt::format("{} x {} boxes, room for {}", rows.size(), columns.size(), out.size()));
  float* next = out.data();
  for (const Xyxy& row : rows) {
    for (const Xyxy& column : columns) *next++ = Iou(row, column);
  }
}

}  // namespace headroom
