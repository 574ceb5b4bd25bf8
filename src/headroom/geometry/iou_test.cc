// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/iou.h"

#include "headroom/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace headroom {
namespace {

TEST(Iou, IsTheSharedPartOfTheUnion) {
  EXPECT_FLOAT_EQ(Iou({0, 0, 10, 10}, {5, 5, 15, 15}), 25.0F / 175.0F);
  EXPECT_FLOAT_EQ(Iou({0, 0, 10, 20}, {2, 5, 8, 10}), 30.0F / 200.0F);
  EXPECT_FLOAT_EQ(Iou({1, 2, 4, 6}, {1, 2, 4, 6}), 1.0F);
}

TEST(Iou, IsZeroForBoxesThatOnlyTouch) {
  EXPECT_EQ(Iou({0, 0, 10, 10}, {10, 0, 20, 10}), 0.0F);
  EXPECT_EQ(Iou({0, 0, 10, 10}, {20, 20, 30, 30}), 0.0F);
}

TEST(Iou, IsZeroForTwoEmptyBoxes) { EXPECT_EQ(Iou({3, 3, 3, 3}, {3, 3, 3, 3}), 0.0F); }

}  // namespace
}  // namespace headroom
