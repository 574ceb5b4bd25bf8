// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/polygon.h"

#include "headroom/core/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace headroom {
namespace {

TEST(BoxOfIntersection, InsidePolygonKeepsItsBox) {
  const std::vector<float> triangle{10, 10, 30, 12, 20, 40};
  EXPECT_EQ(BoxOfIntersection(triangle, {}, ConvexRegion::Rectangle(100, 100)),
            (Xyxy{10, 10, 30, 40}));
}

TEST(BoxOfIntersection, EdgesAreCutWhereTheyCrossTheBorder) {
  const std::vector<float> triangle{50, 50, 150, 0, 150, 100};  // Crosses x = 100 at y = 25 and 75.
  EXPECT_EQ(BoxOfIntersection(triangle, {}, ConvexRegion::Rectangle(100, 100)),
            (Xyxy{50, 25, 100, 75}));
}

TEST(BoxOfIntersection, EnclosedCornersCount) {
  const std::vector<float> around{-10, -10, 200, -10, 200, 200, -10, 200};
  EXPECT_EQ(BoxOfIntersection(around, {}, ConvexRegion::Rectangle(50, 60)), (Xyxy{0, 0, 60, 50}));
}

TEST(BoxOfIntersection, NothingWhereTheyDoNotMeet) {
  const std::vector<float> away{110, 10, 130, 12, 120, 40};
  EXPECT_FALSE(BoxOfIntersection(away, {}, ConvexRegion::Rectangle(100, 100)));
  // Around a corner of the image without covering it.
  const std::vector<float> corner{-20, 15, 15, -20, -20, -20};
  EXPECT_FALSE(BoxOfIntersection(corner, {}, ConvexRegion::Rectangle(100, 100)));
}

// The obvious twin: rasterise and look.
TEST(BoxOfIntersection, AgreesWithARasterOfRandomPolygons) {
  for (std::uint64_t trial = 0; trial < 40; ++trial) {
    Rng rng = Rng(7).Fork(trial);
    std::vector<float> points;
    for (int i = 0; i < 7; ++i) {
      points.push_back(static_cast<float>(rng.Uniform(-60, 160)));
      points.push_back(static_cast<float>(rng.Uniform(-60, 160)));
    }
    const Matrix3 map = AugmentationMatrix(
        {.rotation_degrees = rng.Uniform(-30, 30), .zoom = rng.Uniform(0.5, 1.5)}, 100, 100, 100,
        100);
    const ConvexRegion region = ConvexRegion::Warped(map, 100, 100).ClippedTo(100, 100);
    const auto box = BoxOfIntersection(points, map, region);
    const Matrix3 inverse = map.Inverse();
    double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
    constexpr double kStep = 0.25;
    for (double y = kStep / 2; y < 100; y += kStep) {
      for (double x = kStep / 2; x < 100; x += kStep) {
        const Point p = inverse.Apply({x, y});
        if (p.x < 0 || p.x > 100 || p.y < 0 || p.y > 100) continue;
        bool inside = false;
        for (std::size_t i = 0, j = 6; i < 7; j = i++) {
          const double yi = points[2 * i + 1], yj = points[2 * j + 1];
          const double xi = points[2 * i], xj = points[2 * j];
          if ((yi > p.y) != (yj > p.y) && p.x < xi + (p.y - yi) * (xj - xi) / (yj - yi))
            inside = !inside;
        }
        if (!inside) continue;
        left = std::min(left, x), right = std::max(right, x);
        top = std::min(top, y), bottom = std::max(bottom, y);
      }
    }
    if (left > right) {
      EXPECT_LT(box ? box->area() : 0, 2) << trial;
      continue;
    }
    ASSERT_TRUE(box) << trial;
    // A raster misses tips thinner than its step: it may only be smaller.
    EXPECT_LE(box->x1, left + kStep) << trial;
    EXPECT_LE(box->y1, top + kStep) << trial;
    EXPECT_GE(box->x2, right - kStep) << trial;
    EXPECT_GE(box->y2, bottom - kStep) << trial;
    EXPECT_NEAR(box->x1, left, 3) << trial;
    EXPECT_NEAR(box->y1, top, 3) << trial;
    EXPECT_NEAR(box->x2, right, 3) << trial;
    EXPECT_NEAR(box->y2, bottom, 3) << trial;
  }
}

}  // namespace
}  // namespace headroom
