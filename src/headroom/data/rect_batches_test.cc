// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/rect_batches.h"

#include <gmock/gmock.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;

TEST(GroupByAspect, GivesTheReferencesShapes) {
  const std::vector<ImageSize> squares(3, {500, 500});
  EXPECT_THAT(GroupByAspect(squares, {.batch = 2}).shapes,
              ElementsAre(ImageSize{672, 672}, ImageSize{672, 672}));
  const std::vector<ImageSize> wide(2, {480, 640});
  EXPECT_THAT(GroupByAspect(wide, {.batch = 2}).shapes, ElementsAre(ImageSize{512, 672}));
  EXPECT_THAT(GroupByAspect(wide, {.batch = 2, .pad = 0}).shapes, ElementsAre(ImageSize{480, 640}));
  const std::vector<ImageSize> tall(2, {640, 320});
  EXPECT_THAT(GroupByAspect(tall, {.batch = 2, .pad = 0}).shapes, ElementsAre(ImageSize{640, 320}));
}

TEST(GroupByAspect, SortsStablyAndMixedGroupsAreSquare) {
  const std::vector<ImageSize> sizes = {{640, 320}, {320, 640}, {480, 640}, {640, 640}, {480, 640}};
  const RectBatches batches = GroupByAspect(sizes, {.batch = 3, .pad = 0});
  EXPECT_THAT(batches.order, ElementsAre(1, 2, 4, 3, 0));
  EXPECT_THAT(batches.shapes, ElementsAre(ImageSize{480, 640}, ImageSize{640, 640}));
  EXPECT_EQ(batches.ShapeOf(2), (ImageSize{480, 640}));
  EXPECT_EQ(batches.ShapeOf(3), (ImageSize{640, 640}));
}

TEST(GroupByAspect, NothingGivesNothing) { EXPECT_TRUE(GroupByAspect({}, {}).shapes.empty()); }

}  // namespace
}  // namespace headroom
