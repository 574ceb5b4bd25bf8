// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/end_to_end_loss.h"

#include "headroom/loss/loss_test_data.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace headroom {
namespace {

TEST(OneToManyWeight, FallsLinearlyToTheLastEpoch) {
  EXPECT_DOUBLE_EQ(OneToManyWeight(0, 11), 0.8);
  EXPECT_NEAR(OneToManyWeight(1, 11), 0.73, 1e-12);
  EXPECT_NEAR(OneToManyWeight(10, 11), 0.1, 1e-12);
  EXPECT_NEAR(OneToManyWeight(25, 11), 0.1, 1e-12);  // More epochs than planned.
  EXPECT_DOUBLE_EQ(OneToManyWeight(0, 1), 0.8);
  EXPECT_NEAR(OneToManyWeight(1, 1), 0.1, 1e-12);
}

HeadMaps SineMaps(std::array<double, 3> phases) {
  HeadMaps maps;
  const std::array<std::int64_t, 3> sides = {8, 4, 2};
  for (std::size_t l = 0; l < 3; ++l) {
    const at::Tensor map = testing::SineMap(2, 7, sides[l], sides[l], phases[l]);
    maps.boxes.push_back(map.slice(1, 0, 4));
    maps.classes.push_back(map.slice(1, 4));
  }
  return maps;
}

double Magnitude(const HeadMaps& maps, std::size_t level) {
  return testing::SumOfMagnitudes(maps.boxes[level]) +
         testing::SumOfMagnitudes(maps.classes[level]);
}

class EndToEnd : public ::testing::TestWithParam<EndToEndLoss::Factory> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EndToEnd,
                         ::testing::Values(MakeCpuDetectionLoss, MakeReferenceDetectionLoss));

TEST_P(EndToEnd, GivesTheReferencesValuesAndGradients) {
  const HeadMaps many = SineMaps({.1, .2, .3}), one = SineMaps({.4, .5, .6});
  BatchTargets targets;
  targets.AddImage(std::vector{testing::Label(0, {.5F, .5F, .6F, .4F}, 64, 64),
                               testing::Label(2, {.25F, .3F, .2F, .2F}, 64, 64)});
  targets.AddImage(std::vector{testing::Label(1, {.7F, .6F, .5F, .7F}, 64, 64)});
  EndToEndLoss loss({.classes = 3, .reg_max = 1}, GetParam());
  HeadMaps many_gradients = testing::Unwritten(many), one_gradients = testing::Unwritten(one);
  const EndToEndSums sums =
      loss.ForwardBackward(many, one, targets, 0.8, 1, 1, many_gradients, one_gradients);
  const double n_many = sums.one_to_many.normaliser(), n_one = sums.one_to_one.normaliser();
  EXPECT_NEAR(sums.one_to_one.box / n_one, 3.393599, 3.4e-5);
  EXPECT_NEAR(sums.one_to_one.classification / n_one, 233.626877, 2e-3);
  EXPECT_NEAR(sums.one_to_one.distance / n_one, .178774, 2e-6);
  EXPECT_NEAR(sums.one_to_many.box / n_many, 4.758212, 4.8e-5);
  EXPECT_NEAR(sums.one_to_many.classification / n_many, 233.171356, 2e-3);
  EXPECT_NEAR(sums.one_to_many.distance / n_many, .251414, 3e-6);
  EXPECT_NEAR(sums.Value(0.8, 2), 475.969299, 4e-3);
  const std::array<double, 3> expect_many = {154.1701, 43.8644, 10.5554},
                              expect_one = {38.4715, 10.5630, 2.6946};
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_NEAR(2 * Magnitude(many_gradients, l) / n_many / expect_many[l], 1, 1e-4) << l;
    EXPECT_NEAR(2 * Magnitude(one_gradients, l) / n_one / expect_one[l], 1, 1e-4) << l;
  }
  EXPECT_NEAR(loss.Forward(many, one, targets).Value(0.8, 2), 475.969299, 4e-3);
}

TEST_P(EndToEnd, GivesTheReferencesValueWithoutTargets) {
  BatchTargets targets;
  targets.AddImage({});
  targets.AddImage({});
  EndToEndLoss loss({.classes = 3, .reg_max = 1}, GetParam());
  const EndToEndSums sums = loss.Forward(SineMaps({.1, .2, .3}), SineMaps({.4, .5, .6}), targets);
  EXPECT_NEAR(sums.one_to_one.classification, 233.783737, 2e-3);
  EXPECT_NEAR(sums.Value(0.8, 2), 466.755554, 4e-3);
}

}  // namespace
}  // namespace headroom
