// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// One head map: an anchor at the centre of every cell.
struct AnchorLevel {
  int height = 0;  // Cells.
  int width = 0;
  int stride = 0;                 // Pixels a cell.
  std::int32_t first_anchor = 0;  // Anchors are numbered level by level, row by row.

  [[nodiscard]] std::int32_t anchors() const { return height * width; }
};

// A rectangle of cells of one level, ends excluded; empty when an end is not above its begin.
struct CellRange {
  int row_begin = 0;
  int row_end = 0;
  int column_begin = 0;
  int column_end = 0;

  [[nodiscard]] bool empty() const { return row_begin >= row_end || column_begin >= column_end; }
};

// The anchors of one image size.
class AnchorGrid {
 public:
  AnchorGrid() = default;
  // Map sizes from the levels, strides in pixels.
  // NOLINTNEXTLINE(google-explicit-constructor): a list of levels is a grid
  AnchorGrid(std::span<const AnchorLevel> levels);
  // The maps of an image of height x width pixels; both are multiples of the largest stride.
  static AnchorGrid ForImage(int height, int width, std::span<const int> strides);

  [[nodiscard]] std::span<const AnchorLevel> levels() const { return levels_; }
  [[nodiscard]] std::int32_t anchors() const { return anchors_; }
  // Pixels, as the reference counts them: cells of the finest map times its stride.
  [[nodiscard]] int image_height() const { return levels_.front().height * levels_.front().stride; }
  [[nodiscard]] int image_width() const { return levels_.front().width * levels_.front().stride; }
  [[nodiscard]] const AnchorLevel& LevelOf(std::int32_t anchor) const;

 private:
  std::vector<AnchorLevel> levels_;
  std::int32_t anchors_ = 0;
};

// The cells whose centres lie inside the box, by more than 1e-9 pixels on every side.
[[nodiscard]] CellRange CellsInside(const AnchorLevel& level, const Xyxy& box);

}  // namespace headroom
