// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/decode_predictions.h"

#include "headroom/core/error.h"
#include "headroom/detect/random_head_for_test.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headroom {
namespace {

TEST(DecodeBox, ReadsDistancesWithoutADistribution) {
  RandomHead head(1, 1, 1);
  float* row = head.row(1, 7);  // Row 1, column 2 of the level of stride 16.
  row[0] = 0.5F;
  row[1] = -0.25F;
  row[2] = 2;
  row[3] = 3;
  EXPECT_EQ(DecodeBox(head.view(), 80 + 7), (Xyxy{32, 28, 72, 72}));
}

TEST(DecodeBox, TakesTheExpectationOfEachSide) {
  RandomHead head(3, 16, 1);
  float* row = head.row(2, 5);  // Row 1, column 2 of the level of stride 32.
  for (int i = 0; i < 64; ++i) row[i] = 0;
  for (int i = 0; i < 16; ++i) row[16 + i] = i == 4 ? 50.0F : -50.0F;
  row[48 + 2] = 30;
  row[48 + 6] = 30;
  const Xyxy box = DecodeBox(head.view(), 80 + 20 + 5);
  EXPECT_FLOAT_EQ(box.x1, (2.5F - 7.5F) * 32);
  EXPECT_FLOAT_EQ(box.y1, (1.5F - 4) * 32);
  EXPECT_FLOAT_EQ(box.x2, (2.5F + 7.5F) * 32);
  EXPECT_NEAR(box.y2, (1.5F + 4) * 32, 1e-4);
}

TEST(DecodeBox, StandsLargeLogits) {
  RandomHead head(1, 16, 1);
  for (int i = 0; i < 64; ++i) head.row(0, 0)[i] = 1e30F;
  EXPECT_FLOAT_EQ(DecodeBox(head.view(), 0).x2, 8 * 8);
}

TEST(DecodeBox, RefusesAnAnchorThatIsNotThere) {
  const RandomHead head(1, 1, 1);
  EXPECT_THROW((void)DecodeBox(head.view(), 106), InternalError);
  EXPECT_NO_THROW((void)DecodeBox(head.view(), 105));
  const float data[5] = {10, 20, 4, 6, 0.5F};
  const DecodedView decoded = {data, 1, 5, 1, 1};
  EXPECT_EQ(DecodeBox(decoded, 0), (Xyxy{8, 17, 12, 23}));
  EXPECT_THROW((void)DecodeBox(decoded, 1), InternalError);
}

}  // namespace
}  // namespace headroom
