// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/match_predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace headroom {
namespace {

using ::testing::ElementsAre;

MatchMask FirstThresholds(int count) { return static_cast<MatchMask>((1U << count) - 1); }

// Boxes [0, 0, 100, height]: their IoU with [0, 0, 100, 100] is height / 100.
Xyxy Tall(float height) { return {0, 0, 100, height}; }

TEST(ClaimLabels, GivesASecondBestLabelWhenTheBestIsTaken) {
  // The example of the reference: det0 overlaps the labels by .80 and .60, det1 by .85 and .30.
  std::array<MatchMask, 2> claimed{};
  const std::array first = {LabelOverlap{0, 0.80F}, LabelOverlap{1, 0.60F}};
  const std::array second = {LabelOverlap{0, 0.85F}, LabelOverlap{1, 0.30F}};
  EXPECT_EQ(ClaimLabels(first, claimed), FirstThresholds(7));
  EXPECT_EQ(ClaimLabels(second, claimed), 1U << 7);
}

TEST(ClaimLabels, TakesTheFreeLabelWithLessOverlap) {
  std::array<MatchMask, 2> claimed{};
  const std::array overlaps = {LabelOverlap{0, 0.95F}, LabelOverlap{1, 0.62F}};
  EXPECT_EQ(ClaimLabels(overlaps, claimed), FirstThresholds(10));
  EXPECT_EQ(ClaimLabels(overlaps, claimed), FirstThresholds(3));
  EXPECT_EQ(ClaimLabels(overlaps, claimed), 0);
}

TEST(PredictionMatcher, CountsThresholdsUpToTheOverlap) {
  PredictionMatcher matcher;
  const std::array labels = {TrueBox{Tall(100), 2}};
  const auto mask_of = [&](float height) {
    return matcher.Match(std::array{Detection{Tall(height), 0.9F, 2}}, labels)[0];
  };
  EXPECT_EQ(mask_of(49), 0);
  EXPECT_EQ(mask_of(50), FirstThresholds(1));
  EXPECT_EQ(mask_of(74), FirstThresholds(5));
  EXPECT_EQ(mask_of(100), FirstThresholds(10));
}

TEST(PredictionMatcher, NeedsTheSameClass) {
  PredictionMatcher matcher;
  const std::array detections = {Detection{Tall(100), 0.9F, 1}, Detection{Tall(100), 0.8F, 2}};
  EXPECT_THAT(matcher.Match(detections, std::array{TrueBox{Tall(100), 2}}),
              ElementsAre(0, FirstThresholds(10)));
}

TEST(PredictionMatcher, GivesALabelToTheMoreConfidentDetection) {
  PredictionMatcher matcher;
  const std::array detections = {Detection{Tall(60), 0.9F, 0}, Detection{Tall(98), 0.8F, 0}};
  EXPECT_THAT(matcher.Match(detections, std::array{TrueBox{Tall(100), 0}}),
              ElementsAre(FirstThresholds(3), FirstThresholds(10) & ~FirstThresholds(3)));
}

TEST(PredictionMatcher, ForgetsThePreviousImage) {
  PredictionMatcher matcher;
  const std::array detections = {Detection{Tall(100), 0.9F, 0}};
  const std::array labels = {TrueBox{Tall(100), 0}};
  EXPECT_THAT(matcher.Match(detections, labels), ElementsAre(FirstThresholds(10)));
  EXPECT_THAT(matcher.Match(detections, labels), ElementsAre(FirstThresholds(10)));
  EXPECT_THAT(matcher.Match(detections, {}), ElementsAre(0));
  EXPECT_TRUE(matcher.Match({}, labels).empty());
}

}  // namespace
}  // namespace headroom
