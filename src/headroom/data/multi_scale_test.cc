// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/multi_scale.h"

#include <gtest/gtest.h>

#include <set>

namespace headroom {
namespace {

TEST(MultiScale, SidesAreMultiplesOfTheStrideAcrossTheRange) {
  std::set<int> sides;
  for (std::int64_t batch = 0; batch < 2000; ++batch)
    sides.insert(MultiScaleSize(0, 1, batch, 640, 0.5, 32));
  EXPECT_EQ(*sides.begin(), 320);
  EXPECT_EQ(*sides.rbegin(), 960);
  for (const int side : sides) EXPECT_EQ(side % 32, 0);
  EXPECT_EQ(sides.size(), 21U);
}

TEST(MultiScale, IsAFunctionOfSeedEpochAndBatch) {
  int different = 0;
  for (std::int64_t batch = 0; batch < 100; ++batch) {
    EXPECT_EQ(MultiScaleSize(1, 2, batch, 640, 0.5, 32), MultiScaleSize(1, 2, batch, 640, 0.5, 32));
    different +=
        MultiScaleSize(1, 2, batch, 640, 0.5, 32) != MultiScaleSize(1, 3, batch, 640, 0.5, 32);
  }
  EXPECT_GT(different, 50);
}

TEST(MultiScale, ZeroKeepsTheSizeAndOneNeverGoesBelowTheStride) {
  EXPECT_EQ(MultiScaleSize(1, 2, 3, 640, 0, 32), 640);
  for (std::int64_t batch = 0; batch < 2000; ++batch) {
    const int side = MultiScaleSize(0, 1, batch, 64, 1, 32);
    EXPECT_GE(side, 32);
    EXPECT_LE(side, 128);
  }
}

}  // namespace
}  // namespace headroom
