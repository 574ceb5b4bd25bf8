// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/polygon_fill.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

int CountPixels(const std::vector<float>& points, int height, int width) {
  std::vector<float> crossings;
  int pixels = 0;
  ForEachPolygonRun(points, height, width, &crossings, [&](int y, int begin, int end) {
    EXPECT_GE(y, 0);
    EXPECT_LT(y, height);
    EXPECT_GE(begin, 0);
    EXPECT_LE(end, width);
    pixels += end - begin;
  });
  return pixels;
}

TEST(PolygonFill, ARectangleHasItsArea) {
  EXPECT_EQ(CountPixels({2, 3, 12, 3, 12, 8, 2, 8}, 20, 20), 50);
}

TEST(PolygonFill, AHoleIsLeftOut) {
  // An outer square that runs into an inner one (even-odd).
  EXPECT_EQ(CountPixels({0, 0, 10, 0, 10, 10, 0, 10, 0, 0, 3, 3, 3, 7, 7, 7, 7, 3, 3, 3}, 20, 20),
            84);
}

TEST(PolygonFill, IsClippedToTheImage) {
  EXPECT_EQ(CountPixels({-50, -50, 100, -50, 100, 100, -50, 100}, 7, 9), 63);
  EXPECT_EQ(CountPixels({-50, -50, -10, -50, -10, 100}, 7, 9), 0);
}

}  // namespace
}  // namespace headroom
