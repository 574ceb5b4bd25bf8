// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/cutmix.h"

#include "headroom/geometry/box_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

TEST(CutMix, AreasTouchNoObjectAndLieInside) {
  SceneObjects objects;
  objects.objects = {{.class_id = 0, .box = {100, 100, 200, 220}}};
  int found = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto area = DrawCutArea(Rng(6).Fork(i), {320, 400}, objects);
    if (!area) continue;
    ++found;
    EXPECT_TRUE(area->x1 >= 0 && area->y1 >= 0 && area->x2 <= 400 && area->y2 <= 320);
    const Xyxy box{static_cast<float>(area->x1), static_cast<float>(area->y1),
                   static_cast<float>(area->x2), static_cast<float>(area->y2)};
    EXPECT_EQ(OverlapArea(box, objects.objects[0].box), 0);
  }
  EXPECT_GT(found, 500);
}

TEST(CutMix, ACoveredPictureHasNoArea) {
  SceneObjects objects;
  objects.objects = {{.class_id = 0, .box = {0, 0, 400, 320}}};
  for (std::uint64_t i = 0; i < 100; ++i)
    EXPECT_FALSE(DrawCutArea(Rng(6).Fork(i), {320, 400}, objects));
}

TEST(CutMix, PartnersObjectsAreCutToTheArea) {
  const CutArea area{.x1 = 10, .y1 = 10, .x2 = 50, .y2 = 60};
  SceneObjects partner, objects;
  partner.objects = {{.class_id = 1, .box = {0, 20, 30, 40}},      // Two thirds inside.
                     {.class_id = 2, .box = {48, 20, 98, 40}},     // 4 % inside.
                     {.class_id = 3, .box = {200, 20, 220, 40}}};  // Apart.
  EXPECT_TRUE(AddObjectsInArea(area, partner, &objects));
  ASSERT_EQ(objects.objects.size(), 1U);
  EXPECT_EQ(objects.objects[0].box, (Xyxy{10, 20, 30, 40}));
  partner.points = {0, 0};  // With polygons 1 % is enough.
  objects.Clear();
  EXPECT_TRUE(AddObjectsInArea(area, partner, &objects));
  EXPECT_EQ(objects.objects.size(), 2U);
}

TEST(CutMix, NothingInTheAreaMeansNoChange) {
  SceneObjects partner, objects;
  EXPECT_FALSE(AddObjectsInArea({.x1 = 0, .y1 = 0, .x2 = 9, .y2 = 9}, partner, &objects));
}

TEST(CutMix, TheAreaIsMirroredWithThePictures) {
  Image image({4, 6});
  Image partner({4, 6});
  std::fill_n(image.data(), 72, std::uint8_t{1});
  std::fill_n(partner.data(), 72, std::uint8_t{2});
  CopyArea({.x1 = 0, .y1 = 1, .x2 = 2, .y2 = 2}, {.horizontal = true, .vertical = true},
           partner.view(), image.view());
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 6; ++x) EXPECT_EQ(image.view().Row(y)[3 * x], y == 2 && x >= 4 ? 2 : 1);
  }
}

}  // namespace
}  // namespace headroom
