// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/bce_kernel.h"

#include "headroom/core/rng.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

namespace headroom {
namespace {

double Softplus(double x) { return std::max(x, 0.) + std::log1p(std::exp(-std::abs(x))); }

TEST(BceOfNegatives, AgreesWithDoubleForEveryLength) {
  Rng rng(3);
  for (std::size_t count = 0; count < 70; ++count) {
    std::vector<float> logits(count), weights(count), gradients(count);
    double expected = 0;
    for (std::size_t i = 0; i < count; ++i) {
      logits[i] = static_cast<float>(rng.Uniform(-12, 12));
      weights[i] = static_cast<float>(rng.Uniform(0, 2));
      expected += static_cast<double>(weights[i]) * Softplus(logits[i]);
    }
    EXPECT_NEAR(BinaryCrossEntropyOfNegatives(logits, weights, 3.F, gradients), expected,
                1e-6 * (1 + expected));
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(gradients[i], 3 * weights[i] / (1 + std::exp(-logits[i])), 3e-6) << logits[i];
    }
  }
}

TEST(BceOfNegatives, SumsAMillionLogitsWithoutDrift) {
  std::vector<float> logits(1'000'000, -5.F);
  EXPECT_NEAR(BinaryCrossEntropyOfNegatives(logits, {}, 1.F, {}) / (1e6 * Softplus(-5)), 1, 1e-6);
}

TEST(BceOfNegatives, KeepsRelativePrecisionFarFromZero) {
  for (const float x : {-80.F, -40.F, -20.F, -10.F, 10.F, 40.F, 80.F, 1e6F}) {
    std::vector<float> gradient(1);
    EXPECT_NEAR(BinaryCrossEntropyOfNegatives({&x, 1}, {}, 1.F, gradient) / Softplus(x), 1, 2e-6)
        << x;
    const double sigmoid = 1 / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_NEAR(gradient[0] / sigmoid, 1, 2e-6) << x;
  }
}

TEST(BceOfNegatives, CarriesNanAndInfinityIntoTheSum) {
  for (const std::size_t place : {std::size_t{0}, std::size_t{5}, std::size_t{36}}) {
    std::vector<float> logits(37, 0.5F);
    logits[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(BinaryCrossEntropyOfNegatives(logits, {}, 1.F, {}))) << place;
    logits[place] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(std::isinf(BinaryCrossEntropyOfNegatives(logits, {}, 1.F, {}))) << place;
  }
}

}  // namespace
}  // namespace headroom
