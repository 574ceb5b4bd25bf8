// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/confusion_matrix.h"

#include <gtest/gtest.h>

#include <array>

namespace headroom {
namespace {

Xyxy Tall(float height) { return {0, 0, 100, height}; }

TEST(ConfusionMatrix, PairsWhateverTheClasses) {
  ConfusionMatrix matrix({.class_count = 3});
  matrix.AddImage(std::array{Detection{Tall(90), 0.9F, 2}}, std::array{TrueBox{Tall(100), 1}});
  EXPECT_EQ(matrix.at(2, 1), 1U);
  EXPECT_EQ(matrix.at(2, matrix.background()), 0U);
  EXPECT_EQ(matrix.at(matrix.background(), 1), 0U);
}

TEST(ConfusionMatrix, LetsTheMoreConfidentChooseFirst) {
  ConfusionMatrix matrix({.class_count = 2});
  const std::array detections = {Detection{Tall(60), 0.9F, 0}, Detection{Tall(100), 0.8F, 1}};
  matrix.AddImage(detections, std::array{TrueBox{Tall(100), 1}});
  EXPECT_EQ(matrix.at(0, 1), 1U);
  EXPECT_EQ(matrix.at(1, matrix.background()), 1U);
}

TEST(ConfusionMatrix, CountsWhatIsLeftAsBackground) {
  ConfusionMatrix matrix({.class_count = 2});
  matrix.AddImage(std::array{Detection{Tall(45), 0.9F, 0}}, std::array{TrueBox{Tall(100), 1}});
  EXPECT_EQ(matrix.at(0, matrix.background()), 1U);  // IoU .45 is not more than .45.
  EXPECT_EQ(matrix.at(matrix.background(), 1), 1U);
  matrix.AddImage({}, std::array{TrueBox{Tall(100), 1}});
  EXPECT_EQ(matrix.at(matrix.background(), 1), 2U);
}

TEST(ConfusionMatrix, LeavesOutUnsureDetectionsAndUnknownLabels) {
  ConfusionMatrix matrix({.class_count = 1});
  matrix.AddImage(std::array{Detection{Tall(100), 0.25F, 0}}, std::array{TrueBox{Tall(100), 7}});
  for (int predicted = 0; predicted < 2; ++predicted) {
    for (int truth = 0; truth < 2; ++truth) EXPECT_EQ(matrix.at(predicted, truth), 0U);
  }
}

TEST(ConfusionMatrix, NormalizesColumns) {
  ConfusionMatrix matrix({.class_count = 1});
  const std::array labels = {TrueBox{Tall(100), 0}};
  matrix.AddImage(std::array{Detection{Tall(100), 0.9F, 0}}, labels);
  for (int i = 0; i < 3; ++i) matrix.AddImage({}, labels);
  EXPECT_EQ(matrix.NormalizedByTruth(), (std::vector<float>{0.25F, 0, 0.75F, 0}));
}

}  // namespace
}  // namespace headroom
