// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/find_candidates.h"

#include "headroom/detect/decode_predictions.h"
#include "headroom/detect/random_head_for_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

namespace headroom {
namespace {

std::vector<Candidate> Find(const HeadView& view, const CandidateRule& rule,
                            std::size_t limit = 100000) {
  CandidateBuffer buffer(limit);
  FindCandidates(view, rule, buffer);
  const auto sorted = buffer.Sorted();
  return {sorted.begin(), sorted.end()};
}

TEST(FindCandidates, FindsEveryPairAboveTheConfidence) {
  const RandomHead head(5, 16, 3);
  for (const float confidence : {0.0F, 0.001F, 0.3F, 0.8F, 0.95F}) {
    std::size_t expected = 0;
    for (std::uint32_t a = 0; a < head.view().anchor_count(); ++a) {
      for (int c = 0; c < 5; ++c) {
        expected += Sigmoid(ClassRow(head.view(), a)[c]) > confidence ? 1U : 0U;
      }
    }
    const auto found = Find(head.view(), {confidence, LabelsPerAnchor::kAll, {}});
    EXPECT_EQ(found.size(), expected);
    for (const Candidate& candidate : found) {
      EXPECT_EQ(candidate.score,
                Sigmoid(ClassRow(head.view(), candidate.anchor)[candidate.class_id]));
    }
  }
}

TEST(FindCandidates, GivesTheSameBestWhateverIsDroppedOnTheWay) {
  const RandomHead head(20, 16, 4);
  const CandidateRule rule = {0.001F, LabelsPerAnchor::kAll, {}};
  auto all = Find(head.view(), rule);
  const auto few = Find(head.view(), rule, 50);
  ASSERT_EQ(few.size(), 50U);
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i].anchor, all[i].anchor);
    EXPECT_EQ(few[i].class_id, all[i].class_id);
  }
}

TEST(FindCandidates, IsStrictAtTheConfidence) {
  RandomHead head(1, 1, 5, -9, -8);
  head.row(0, 7)[4] = 0;  // Probability one half.
  EXPECT_EQ(Find(head.view(), {0.5F, LabelsPerAnchor::kAll, {}}).size(), 0U);
  EXPECT_EQ(Find(head.view(), {std::nextafter(0.5F, 0.0F), LabelsPerAnchor::kAll, {}}).size(), 1U);
}

TEST(FindCandidates, PicksTheBestClassBeforeItFiltersClasses) {
  RandomHead head(3, 1, 6, -9, -8);
  float* row = head.row(1, 4);
  row[4 + 0] = 1;
  row[4 + 1] = 3;
  row[4 + 2] = 2;
  const auto best = Find(head.view(), {0.25F, LabelsPerAnchor::kBest, {}});
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(best[0].anchor, 80U + 4U);
  EXPECT_EQ(best[0].class_id, 1);
  const std::vector<std::int32_t> only = {2, 99, -1};
  EXPECT_TRUE(Find(head.view(), {0.25F, LabelsPerAnchor::kBest, WantedClasses(only, 3)}).empty());
  const auto all = Find(head.view(), {0.25F, LabelsPerAnchor::kAll, WantedClasses(only, 3)});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].class_id, 2);
}

TEST(FindCandidates, TakesInfinityButNotNan) {
  RandomHead head(2, 1, 7, -9, -8);
  head.row(0, 0)[4] = std::numeric_limits<float>::quiet_NaN();
  head.row(0, 1)[4] = std::numeric_limits<float>::infinity();
  head.row(0, 2)[4] = std::numeric_limits<float>::quiet_NaN();
  head.row(0, 2)[5] = 1;
  for (const auto labels : {LabelsPerAnchor::kBest, LabelsPerAnchor::kAll}) {
    const auto found = Find(head.view(), {0.25F, labels, {}});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].anchor, 1U);
    EXPECT_EQ(found[0].score, 1.0F);
    EXPECT_EQ(found[1].anchor, 2U);
    EXPECT_EQ(found[1].class_id, 1);
  }
}

TEST(FindCandidates, ReadsDecodedChannels) {
  // Two anchors, two classes; channel-major.
  const std::vector<float> data = {1, 2, 1, 2, 1, 2, 1, 2, .3F, .9F, .4F, .2F};
  const DecodedView view = {data.data(), 2, 1, 2, 2};
  CandidateBuffer buffer(10);
  FindCandidates(view, {0.25F, LabelsPerAnchor::kBest, {}}, buffer);
  ASSERT_EQ(buffer.Sorted().size(), 2U);
  EXPECT_EQ(buffer.Sorted()[0].anchor, 1U);
  EXPECT_EQ(buffer.Sorted()[1].class_id, 1);
  buffer.Clear();
  FindCandidates(view, {0.25F, LabelsPerAnchor::kAll, {}}, buffer);
  EXPECT_EQ(buffer.Sorted().size(), 3U);
}

}  // namespace
}  // namespace headroom
