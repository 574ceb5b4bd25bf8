// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

TEST(Rng, ForkDependsOnTheNumbersAlone) {
  const Rng root(7);
  EXPECT_EQ(root.Fork(3, 4).Next(), Rng(7).Fork(3, 4).Next());
  EXPECT_NE(root.Fork(3, 4).Next(), root.Fork(4, 3).Next());
  EXPECT_NE(root.Fork(0, 0).Next(), Rng(8).Fork(0, 0).Next());
}

TEST(Rng, MomentsMatchTheDistributions) {
  Rng rng(1);
  constexpr int kDraws = 200000;
  double uniform = 0;
  double normal_square = 0;
  double beta = 0;
  for (int i = 0; i < kDraws; ++i) {
    uniform += rng.Uniform(-1, 3);
    normal_square += std::pow(rng.Normal(), 2);
    beta += std::pow(rng.Beta(32, 32) - 0.5, 2);
  }
  EXPECT_NEAR(uniform / kDraws, 1, 0.01);
  EXPECT_NEAR(normal_square / kDraws, 1, 0.02);
  EXPECT_NEAR(beta / kDraws, 0.25 / 65, 0.0001);  // Variance of Beta(a, a) is 1 / (4 (2a + 1)).
}

TEST(Rng, PermutationHoldsEveryIndexOnce) {
  auto order = Rng(5).Permutation(1000);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(order[i], i);
}

TEST(Rng, IntegerReachesBothEnds) {
  Rng rng(2);
  std::vector<int> seen(3);
  for (int i = 0; i < 100; ++i) ++seen[static_cast<std::size_t>(rng.Integer(-1, 1) + 1)];
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 10);
}

}  // namespace
}  // namespace headroom
