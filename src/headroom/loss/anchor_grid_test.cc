// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/anchor_grid.h"

#include "headroom/core/rng.h"

#include <gmock/gmock.h>

#include <array>

namespace headroom {
namespace {

TEST(AnchorGrid, NumbersAnchorsLevelByLevel) {
  const AnchorGrid grid = AnchorGrid::ForImage(640, 320, std::array{8, 16, 32});
  EXPECT_EQ(grid.anchors(), 80 * 40 + 40 * 20 + 20 * 10);
  EXPECT_EQ(grid.image_height(), 640);
  EXPECT_EQ(grid.image_width(), 320);
  EXPECT_EQ(grid.levels()[1].first_anchor, 3200);
  EXPECT_EQ(grid.LevelOf(3199).stride, 8);
  EXPECT_EQ(grid.LevelOf(3200).stride, 16);
  EXPECT_EQ(grid.LevelOf(4199).stride, 32);
}

TEST(CellsInside, ExcludesCentresOnTheEdge) {
  const AnchorLevel level{.height = 4, .width = 4, .stride = 8};  // Centres 4, 12, 20, 28.
  const CellRange cells = CellsInside(level, {4, 3.999F, 20, 20.001F});
  EXPECT_EQ(cells.column_begin, 1);
  EXPECT_EQ(cells.column_end, 2);
  EXPECT_EQ(cells.row_begin, 0);
  EXPECT_EQ(cells.row_end, 3);
}

TEST(CellsInside, IsEmptyOutsideTheMapAndForEmptyBoxes) {
  const AnchorLevel level{.height = 4, .width = 4, .stride = 8};
  EXPECT_TRUE(CellsInside(level, {-50, 0, -10, 32}).empty());
  EXPECT_TRUE(CellsInside(level, {40, 0, 1e9F, 32}).empty());
  EXPECT_TRUE(CellsInside(level, {4.5F, 4.5F, 11.5F, 11.5F}).empty());  // Between centres.
  EXPECT_TRUE(CellsInside(level, {10, 10, 10, 30}).empty());
  EXPECT_TRUE(CellsInside(level, {20, 20, 10, 30}).empty());
}

TEST(CellsInside, AgreesWithTestingEveryCell) {
  Rng rng(7);
  const AnchorLevel level{.height = 9, .width = 13, .stride = 16};
  for (int trial = 0; trial < 2000; ++trial) {
    // Quarters of a stride, so that many edges fall on centres exactly.
    const auto draw = [&](int cells) {
      return static_cast<float>(rng.Integer(-8, cells * 4 + 8)) * 4;
    };
    Xyxy box{draw(13), draw(9), 0, 0};
    box.x2 = box.x1 + static_cast<float>(rng.Integer(0, 30)) * 4;
    box.y2 = box.y1 + static_cast<float>(rng.Integer(0, 30)) * 4;
    const CellRange cells = CellsInside(level, box);
    for (int row = 0; row < level.height; ++row) {
      for (int column = 0; column < level.width; ++column) {
        const float x = static_cast<float>(column * 16 + 8), y = static_cast<float>(row * 16 + 8);
        const bool inside = x > box.x1 && x < box.x2 && y > box.y1 && y < box.y2;
        const bool in_range = row >= cells.row_begin && row < cells.row_end &&
                              column >= cells.column_begin && column < cells.column_end;
        ASSERT_EQ(in_range, inside) << row << ' ' << column;
      }
    }
  }
}

}  // namespace
}  // namespace headroom
