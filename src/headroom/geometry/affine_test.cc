// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/affine.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headroom {
namespace {

TEST(Matrix3, InverseUndoesTheMap) {
  const Matrix3 m = AugmentationMatrix({.perspective_x = 1e-4,
                                        .perspective_y = -2e-4,
                                        .rotation_degrees = 17,
                                        .zoom = 0.7,
                                        .shear_x_degrees = 5,
                                        .shear_y_degrees = -3,
                                        .centre_x = 0.4,
                                        .centre_y = 0.55},
                                       480, 640, 320, 320);
  const Point there = m.Apply({123, 45});
  const Point back = m.Inverse().Apply(there);
  EXPECT_NEAR(back.x, 123, 1e-9);
  EXPECT_NEAR(back.y, 45, 1e-9);
}

TEST(Matrix3, InverseOfASingularMatrixThrows) {
  const Matrix3 singular{{1, 2, 0, 2, 4, 0, 0, 0, 1}};
  EXPECT_THROW((void)singular.Inverse(), InternalError);
}

TEST(AugmentationMatrix, DefaultsCentreTheInput) {
  const Matrix3 m = AugmentationMatrix({}, 480, 641, 640, 640);
  EXPECT_EQ(m.Apply({320.5, 240}), (Point{320, 320}));
  EXPECT_EQ(m.Apply({0, 0}), (Point{-0.5, 80}));  // An odd remainder shifts by half a pixel.
}

TEST(AugmentationMatrix, PositiveRotationIsCounterClockwiseOnScreen) {
  const Matrix3 m = AugmentationMatrix({.rotation_degrees = 90, .zoom = 2}, 100, 100, 100, 100);
  const Point right_of_centre = m.Apply({60, 50});
  EXPECT_NEAR(right_of_centre.x, 50, 1e-9);
  EXPECT_NEAR(right_of_centre.y, 30, 1e-9);  // Up, since y points down.
}

TEST(AugmentationMatrix, ShearIsAppliedAfterRotation) {
  const Matrix3 m = AugmentationMatrix({.rotation_degrees = 90, .shear_x_degrees = 45}, 0, 0, 0, 0);
  const Point p = m.Apply({1, 0});  // Turned to (0, -1), then x += y.
  EXPECT_NEAR(p.x, -1, 1e-12);
  EXPECT_NEAR(p.y, -1, 1e-12);
}

TEST(WarpBox, IsTheBoxAroundTheTurnedCorners) {
  const Matrix3 m = AugmentationMatrix({.rotation_degrees = 45}, 0, 0, 0, 0);
  const Xyxy box = WarpBox(m, {-1, -1, 1, 1});
  EXPECT_NEAR(box.x1, -std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(box.y2, std::sqrt(2.0), 1e-6);
}

}  // namespace
}  // namespace headroom
