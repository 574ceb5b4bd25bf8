// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/box_filter.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(ClipBox, CutsAtTheImage) {
  EXPECT_EQ(ClipBox({-5, 10, 700, 500}, 480, 640), (Xyxy{0, 10, 640, 480}));
}

TEST(OverlapArea, IsZeroApartAndSymmetric) {
  EXPECT_EQ(OverlapArea({0, 0, 10, 10}, {10, 0, 20, 10}), 0);
  EXPECT_EQ(OverlapArea({0, 0, 10, 10}, {5, 5, 20, 20}), 25);
  EXPECT_EQ(OverlapArea({5, 5, 20, 20}, {0, 0, 10, 10}), 25);
}

TEST(BoxFilter, DropsThinLongAndMostlyHiddenBoxes) {
  const BoxFilter filter;
  const Xyxy before{0, 0, 100, 100};
  EXPECT_TRUE(filter.Keeps(before, 1, {0, 0, 50, 50}));
  EXPECT_FALSE(filter.Keeps({0, 0, 2, 10}, 1, {0, 0, 2, 10}));    // Not longer than 2 px.
  EXPECT_FALSE(filter.Keeps({0, 0, 300, 3}, 1, {0, 0, 300, 3}));  // Aspect 100.
  EXPECT_FALSE(filter.Keeps(before, 1, {0, 0, 10, 100}));         // Exactly 10 %.
  EXPECT_TRUE(filter.Keeps(before, 1, {0, 0, 11, 100}));
  EXPECT_TRUE(filter.Keeps(before, 0.5F, {0, 0, 10, 50}));  // 20 % at half zoom.
  EXPECT_TRUE(BoxFilter{.min_area_share = 0.01F}.Keeps(before, 1, {0, 0, 10, 100}));
}

}  // namespace
}  // namespace headroom
