// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/mosaic.h"

#include "headroom/data/augment/label_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

TEST(Mosaic, TilesTouchTheCentre) {
  const MosaicLayout layout{.size = 100, .centre_x = 90, .centre_y = 120};
  const ImageSize tile{40, 60};
  EXPECT_EQ(layout.CornerXy(0, tile), (std::array{30, 80}));
  EXPECT_EQ(layout.CornerXy(1, tile), (std::array{90, 80}));
  EXPECT_EQ(layout.CornerXy(2, tile), (std::array{30, 120}));
  EXPECT_EQ(layout.CornerXy(3, tile), (std::array{90, 120}));
}

TEST(Mosaic, CentresAreUniformOverTheMiddleHalf) {
  double sum_x = 0, sum_y = 0;
  int low = 1000, high = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const MosaicLayout layout = DrawMosaicLayout(Rng(2).Fork(i), 640);
    sum_x += layout.centre_x;
    sum_y += layout.centre_y;
    low = std::min({low, layout.centre_x, layout.centre_y});
    high = std::max({high, layout.centre_x, layout.centre_y});
  }
  EXPECT_NEAR(sum_x / kDraws, 640, 5);
  EXPECT_NEAR(sum_y / kDraws, 640, 5);
  EXPECT_EQ(low, 320);
  EXPECT_EQ(high, 959);
}

TEST(Mosaic, ObjectsMoveWithTheirTileAndAreCutAtTheCanvas) {
  const LabelTable table = testing::MakeLabelTable(
      {{{3, {0.5F, 0.5F, 0.5F, 0.5F}, {}}, {4, {0.1F, 0.5F, 0.1F, 0.5F}, {}}}});
  SceneObjects objects;
  AppendObjects(LabelView(table, {}), 0, {40, 60}, {-20, 10}, {200, 200}, ClipToCanvas::kYes,
                &objects);
  ASSERT_EQ(objects.objects.size(), 1U);  // The second lies left of the canvas.
  EXPECT_EQ(objects.objects[0].class_id, 3);
  EXPECT_EQ(objects.objects[0].box, (Xyxy{0, 20, 25, 40}));
  EXPECT_FALSE(objects.has_polygons());
}

TEST(Mosaic, PolygonsMoveUncut) {
  const LabelTable table =
      testing::MakeLabelTable({{{0, {0.5F, 0.5F, 1, 1}, {0, 0, 1, 0, 0.5F, 1}}}});
  SceneObjects objects;
  AppendObjects(LabelView(table, {}), 0, {40, 60}, {-20, 10}, {200, 200}, ClipToCanvas::kYes,
                &objects);
  ASSERT_EQ(objects.objects.size(), 1U);
  const auto polygon = objects.PolygonOf(objects.objects[0]);
  EXPECT_EQ(std::vector<float>(polygon.begin(), polygon.end()),
            (std::vector<float>{-20, 10, 40, 10, 10, 50}));
}

}  // namespace
}  // namespace headroom
