// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/match_records.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace headroom {
namespace {

TEST(MatchRecords, CountsLabelsAndImagesOfAClass) {
  MatchRecords records(3);
  records.AddImage({}, {}, std::array{TrueBox{{}, 0}, TrueBox{{}, 2}, TrueBox{{}, 0}});
  records.AddImage({}, {}, {});
  records.AddImage({}, {}, std::array{TrueBox{{}, 2}});
  EXPECT_EQ(records.images(), 3U);
  EXPECT_EQ(records.labels(0), 2U);
  EXPECT_EQ(records.images_with(0), 1U);
  EXPECT_EQ(records.labels(1), 0U);
  EXPECT_EQ(records.labels(2), 2U);
  EXPECT_EQ(records.images_with(2), 2U);
}

TEST(MatchRecords, IgnoresLabelsThatTheModelCannotPredict) {
  MatchRecords records(1);
  records.AddImage({}, {}, std::array{TrueBox{{}, 1}, TrueBox{{}, 0}});
  EXPECT_EQ(records.labels(0), 1U);
}

TEST(MatchRecords, RefusesADetectionOfAnUnknownClass) {
  MatchRecords records(1);
  const std::array detections = {Detection{{}, 0.5F, 1}};
  const std::array<MatchMask, 1> masks = {0};
  EXPECT_THROW(records.AddImage(detections, masks, {}), InternalError);
  EXPECT_THROW(records.AddImage(detections, {}, {}), InternalError);
}

TEST(MatchRecords, SortsStably) {
  MatchRecords records(1);
  const std::array detections = {Detection{{}, 0.5F, 0}, Detection{{}, 0.25F, 0}};
  records.AddImage(detections, std::array<MatchMask, 2>{1, 2}, {});
  records.AddImage(detections, std::array<MatchMask, 2>{3, 4}, {});
  records.SortByConfidence();
  std::vector<int> masks;
  for (const MatchRecord& record : records.records(0)) masks.push_back(record.mask);
  EXPECT_EQ(masks, (std::vector<int>{1, 3, 2, 4}));
}

TEST(MatchRecords, NeedIsAFewBytesADetection) {
  EXPECT_EQ(sizeof(MatchRecord), 8U);
  const Bytes need =
      EstimateMemory(MatchRecordsOptions{.class_count = 80, .images = 5000, .max_detections = 300})
          .Total();
  EXPECT_GE(need, Bytes(5000 * 300 * 8));
  EXPECT_LE(need, Bytes(5000 * 300 * 14));
}

}  // namespace
}  // namespace headroom
