// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/nms.h"

#include "headroom/core/error.h"
#include "headroom/core/rng.h"
#include "headroom/detect/decode_predictions.h"
#include "headroom/detect/random_head_for_test.h"
#include "headroom/geometry/iou.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

// The textbook way: every pair, sorted; each kept box removes what overlaps it; cut at the end.
std::vector<Detection> ObviousNms(const HeadView& view, const NmsOptions& options) {
  const auto wanted = WantedClasses(options.classes, options.class_count);
  std::vector<Detection> all;
  for (std::uint32_t a = 0; a < view.anchor_count(); ++a) {
    const float* row = ClassRow(view, a);
    const auto best = static_cast<int>(std::max_element(row, row + view.class_count) - row);
    for (int c = 0; c < view.class_count; ++c) {
      if (options.labels == LabelsPerAnchor::kBest && c != best) continue;
      if (!wanted.empty() && wanted[static_cast<std::size_t>(c)] == 0) continue;
      const float score = Sigmoid(row[c]);
      if (score > options.confidence) all.push_back({DecodeBox(view, a), score, c});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Detection& a, const Detection& b) {
    return a.confidence > b.confidence;
  });
  all.resize(std::min(all.size(), static_cast<std::size_t>(options.max_candidates)));
  std::vector<Detection> kept;
  for (const Detection& candidate : all) {
    const bool dropped = std::any_of(kept.begin(), kept.end(), [&](const Detection& better) {
      return (options.agnostic || better.class_id == candidate.class_id) &&
             Iou(better.box, candidate.box, 0) > options.iou;
    });
    if (!dropped) kept.push_back(candidate);
  }
  kept.resize(std::min(kept.size(), static_cast<std::size_t>(options.max_detections)));
  return kept;
}

TEST(NonMaximumSuppression, EqualsTheObviousOne) {
  Rng rng(9);
  for (int round = 0; round < 120; ++round) {
    const int classes = 1 + static_cast<int>(rng.Below(8));
    const RandomHead head(classes, round % 3 == 0 ? 1 : 16, rng.Next());
    NmsOptions options = {.class_count = classes};
    options.confidence = round % 2 == 0 ? 0.001F : 0.5F;
    options.iou = static_cast<float>(rng.Uniform(0.1, 0.8));
    options.max_detections = 1 + static_cast<int>(rng.Below(300));
    options.labels = rng.Below(2) == 0 ? LabelsPerAnchor::kBest : LabelsPerAnchor::kAll;
    options.agnostic = rng.Below(3) == 0;
    options.max_candidates = 1 + static_cast<int>(rng.Below(600));
    if (rng.Below(3) == 0) options.classes = {0, 2};
    NonMaximumSuppression nms(options);
    const auto found = nms.Run(head.view());
    EXPECT_EQ(std::vector<Detection>(found.begin(), found.end()), ObviousNms(head.view(), options));
    // Nothing of the first image is left.
    const RandomHead other(classes, 16, rng.Next());
    const auto next = nms.Run(other.view());
    EXPECT_EQ(std::vector<Detection>(next.begin(), next.end()), ObviousNms(other.view(), options));
  }
}

TEST(NonMaximumSuppression, TakesTheBestOfAnUntrainedImage) {
  // 6784 anchors x 80 classes, all above 0.001: 18 times the limit.
  const RandomHead head(80, 1, 21, -6.5, -5.5, 8);
  NmsOptions options = {.class_count = 80, .confidence = 0.001F, .iou = 0.2F};
  options.labels = LabelsPerAnchor::kAll;
  options.max_detections = 30000;
  NonMaximumSuppression nms(options);
  const auto found = nms.Run(head.view());
  EXPECT_GT(found.size(), 1000U);
  EXPECT_EQ(std::vector<Detection>(found.begin(), found.end()), ObviousNms(head.view(), options));
}

// Decoded predictions from rows of x, y, w, h and class scores.
std::vector<Detection> RunRows(const std::vector<std::vector<float>>& rows, NmsOptions options) {
  std::vector<float> data;
  for (const auto& row : rows) data.insert(data.end(), row.begin(), row.end());
  const std::size_t channels = rows.empty() ? 5 : rows[0].size();
  options.class_count = static_cast<int>(channels) - 4;
  NonMaximumSuppression nms(options);
  const auto found =
      nms.Run(DecodedView{data.data(), 1, channels, rows.size(), options.class_count});
  return {found.begin(), found.end()};
}

TEST(NonMaximumSuppression, DropsOnlyOverlapsAboveTheLimit) {
  // IoU of the first two is exactly one half.
  const std::vector<std::vector<float>> rows = {{50, 50, 100, 100, .9F}, {50, 25, 100, 50, .8F}};
  EXPECT_EQ(RunRows(rows, {.iou = 0.5F}).size(), 2U);
  EXPECT_EQ(RunRows(rows, {.iou = 0.49F}).size(), 1U);
}

TEST(NonMaximumSuppression, KeepsOverlapsOfOtherClassesUnlessAgnostic) {
  const std::vector<std::vector<float>> rows = {{50, 50, 100, 100, .9F, 0},
                                                {50, 50, 100, 100, 0, .8F}};
  EXPECT_EQ(RunRows(rows, {}).size(), 2U);
  EXPECT_EQ(RunRows(rows, {.agnostic = true}).size(), 1U);
}

TEST(NonMaximumSuppression, KeepsTheFirstOfEqualScores) {
  const auto found = RunRows({{10, 10, 4, 4, .5F}, {90, 90, 4, 4, .7F}, {30, 30, 4, 4, .5F}}, {});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].box.x1, 88);
  EXPECT_EQ(found[1].box.x1, 8);
  EXPECT_EQ(found[2].box.x1, 28);
}

TEST(NonMaximumSuppression, KeepsEmptyBoxes) {
  // 0 / 0 is no overlap, as in the reference.
  EXPECT_EQ(RunRows({{10, 10, 0, 0, .5F}, {10, 10, 0, 0, .4F}}, {}).size(), 2U);
}

TEST(NonMaximumSuppression, OfNothingIsNothing) { EXPECT_TRUE(RunRows({}, {}).empty()); }

TEST(NonMaximumSuppression, RefusesAnotherClassCount) {
  const RandomHead head(3, 16, 1);
  NonMaximumSuppression nms({.class_count = 4});
  EXPECT_THROW((void)nms.Run(head.view()), InternalError);
}

TEST(NonMaximumSuppression, NeedIsBoundedWhateverTheImage) {
  const Bytes need = EstimateMemory(NmsOptions{.class_count = 80}).Total();
  EXPECT_GT(need, Bytes::KiB(700));
  EXPECT_LT(need, Bytes::KiB(800));
}

}  // namespace
}  // namespace headroom
