// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/flip.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(Flip, RateIsTheProbability) {
  AugmentOptions options;
  options.fliplr = 0.5;
  options.flipud = 0.1;
  int horizontal = 0;
  int vertical = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const Flip flip = DrawFlip(Rng(3).Fork(i), options);
    horizontal += flip.horizontal;
    vertical += flip.vertical;
  }
  EXPECT_NEAR(horizontal, 5000, 200);
  EXPECT_NEAR(vertical, 1000, 120);
}

TEST(Flip, ZeroAndOneAreCertain) {
  AugmentOptions options;
  options.fliplr = 1;
  options.flipud = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(DrawFlip(Rng(3).Fork(i), options), (Flip{.horizontal = true, .vertical = false}));
  }
}

TEST(Flip, BoxesAreMirrored) {
  EXPECT_EQ(FlipBox({.horizontal = true}, {1, 2, 5, 7}, 20, 10), (Xyxy{5, 2, 9, 7}));
  EXPECT_EQ(FlipBox({.vertical = true}, {1, 2, 5, 7}, 20, 10), (Xyxy{1, 13, 5, 18}));
}

}  // namespace
}  // namespace headroom
