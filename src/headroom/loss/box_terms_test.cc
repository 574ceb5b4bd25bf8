// SPDX-License-Identifier: Apache-2.0
// Values and gradients of the box terms, in double against finite differences.
#include "headroom/core/rng.h"
#include "headroom/loss/ciou.h"
#include "headroom/loss/distance_terms.h"

#include <gmock/gmock.h>

#include <vector>

namespace headroom {
namespace {

constexpr double kStep = 1e-6;

TEST(Ciou, HasTheReferencesValues) {
  EXPECT_NEAR(Ciou<float>({0, 0, 10, 10}, {5, 5, 15, 15}), 0.03174604F, 1e-6F);
  EXPECT_NEAR(Ciou<float>({0, 0, 10, 20}, {2, 1, 30, 11}), 0.04059602F, 1e-6F);
  EXPECT_NEAR(Ciou<float>({1, 1, 4, 5}, {10, 10, 14, 12}), -0.53887874F, 1e-6F);
  EXPECT_NEAR(Ciou<float>({3, 4, 8, 9}, {3, 4, 8, 9}), 1.F, 1e-6F);
}

// The weight of the aspect term is held, as the gradient holds it.
double CiouAtWeight(const Corners<double>& a, const Corners<double>& b, double weight) {
  const CiouParts<double> p = ComputeCiou(a, AspectAngle(a), b, AspectAngle(b));
  return p.iou - (p.distance2 / p.diagonal2 + p.aspect * weight);
}

TEST(Ciou, GradientAgreesWithFiniteDifferences) {
  Rng rng(11);
  int apart = 0, nested = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const auto draw = [&] {
      const double x = rng.Uniform(0, 8), y = rng.Uniform(0, 8);
      return Corners<double>{x, y, x + rng.Uniform(0.5, 6), y + rng.Uniform(0.5, 6)};
    };
    const Corners<double> a = draw(), b = draw();
    const CiouParts<double> parts = ComputeCiou(a, AspectAngle(a), b, AspectAngle(b));
    apart += parts.intersection == 0 ? 1 : 0;
    nested += parts.hull_w == b[2] - b[0] && parts.hull_h == b[3] - b[1] ? 1 : 0;
    const CiouAndGradient<double> result = CiouWithGradient(a, b);
    EXPECT_DOUBLE_EQ(result.value, Ciou(a, b));
    for (std::size_t i = 0; i < 4; ++i) {
      Corners<double> up = a, down = a;
      up[i] += kStep;
      down[i] -= kStep;
      const double slope =
          (CiouAtWeight(up, b, parts.aspect_weight) - CiouAtWeight(down, b, parts.aspect_weight)) /
          (2 * kStep);
      EXPECT_NEAR(result.gradient[i], slope, 1e-6) << "corner " << i << " of trial " << trial;
    }
  }
  EXPECT_GT(apart, 20);  // Disjoint and nested boxes were among them.
  EXPECT_GT(nested, 5);
}

TEST(Ciou, GradientHoldsForInsideOutBoxes) {
  const Corners<double> a = {5, 5, 3, 6.5},
                        b = {2, 4, 8, 9};  // Negative width: a raw head gives such.
  const CiouParts<double> parts = ComputeCiou(a, AspectAngle(a), b, AspectAngle(b));
  const CiouAndGradient<double> result = CiouWithGradient(a, b);
  for (std::size_t i = 0; i < 4; ++i) {
    Corners<double> up = a, down = a;
    up[i] += kStep;
    down[i] -= kStep;
    const double slope =
        (CiouAtWeight(up, b, parts.aspect_weight) - CiouAtWeight(down, b, parts.aspect_weight)) /
        (2 * kStep);
    EXPECT_NEAR(result.gradient[i], slope, 1e-6) << i;
  }
}

TEST(DistributionTerm, HasTheReferencesValue) {
  std::vector<float> logits(16), probabilities(16);
  for (std::size_t k = 0; k < 16; ++k) logits[k] = 0.1F * static_cast<float>(k);
  ExpectedDistance<float>(logits, probabilities);
  float total = 0;
  for (const float target : {0.F, 3.25F, 7.5F, 20.F}) {
    total += DistanceDistributionTerm<float>(logits, probabilities, 0, target, 0, 0, {});
  }
  EXPECT_NEAR(total / 4, 2.9832F, 1e-4F);
}

TEST(DistributionTerm, GradientAgreesWithFiniteDifferences) {
  Rng rng(5);
  for (const double target : {-1., 0., 0.3, 4., 7.75, 14.99, 30.}) {
    std::vector<double> logits(16), probabilities(16), gradients(16);
    for (double& x : logits) x = rng.Normal() * 2;
    const double d_distance = rng.Normal(), factor = rng.Uniform(0.1, 2);
    const auto value = [&](const std::vector<double>& x) {
      std::vector<double> p(16);
      const double distance = ExpectedDistance<double>(x, p);
      return d_distance * distance +
             factor * DistanceDistributionTerm<double>(x, p, distance, target, 0, 0, {});
    };
    const double distance = ExpectedDistance<double>(logits, probabilities);
    DistanceDistributionTerm<double>(logits, probabilities, distance, target, d_distance, factor,
                                     gradients);
    for (std::size_t i = 0; i < 16; ++i) {
      std::vector<double> up = logits, down = logits;
      up[i] += kStep;
      down[i] -= kStep;
      EXPECT_NEAR(gradients[i], (value(up) - value(down)) / (2 * kStep), 1e-7)
          << "target " << target << " bin " << i;
    }
  }
}

TEST(DistributionTerm, StaysFiniteForExtremeLogits) {
  std::vector<float> logits(16, -200.F), probabilities(16);
  logits[0] = 200.F;
  const float distance = ExpectedDistance<float>(logits, probabilities);
  EXPECT_EQ(distance, 0.F);
  EXPECT_NEAR(DistanceDistributionTerm<float>(logits, probabilities, distance, 9.F, 0, 0, {}),
              400.F, 1e-3F);
}

TEST(AbsoluteTerm, GradientAgreesWithFiniteDifferences) {
  for (const double distance : {-2., 0.5, 3.}) {
    const auto value = [](double d) { return AbsoluteDistanceTerm(d, 1.25, 0.0125).value; };
    const double slope = (value(distance + kStep) - value(distance - kStep)) / (2 * kStep);
    EXPECT_NEAR(AbsoluteDistanceTerm(distance, 1.25, 0.0125).derivative, slope, 1e-8);
  }
  EXPECT_EQ(AbsoluteDistanceTerm(1.25, 1.25, 1.).derivative, 0);
}

}  // namespace
}  // namespace headroom
