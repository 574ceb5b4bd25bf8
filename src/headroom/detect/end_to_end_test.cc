// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/end_to_end.h"

#include "headroom/core/rng.h"
#include "headroom/detect/decode_predictions.h"
#include "headroom/detect/random_head_for_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace headroom {
namespace {

// The selection as it is written down, without a threshold on the way.
std::vector<Detection> ObviousSelection(const HeadView& view, const EndToEndOptions& options) {
  const auto k = std::min(view.anchor_count(), static_cast<std::size_t>(options.max_detections));
  std::vector<std::uint32_t> anchors(view.anchor_count());
  std::iota(anchors.begin(), anchors.end(), 0U);
  const auto best = [&](std::uint32_t a) {
    const float* row = ClassRow(view, a);
    return *std::max_element(row, row + view.class_count);
  };
  std::stable_sort(anchors.begin(), anchors.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return best(a) > best(b); });
  anchors.resize(k);
  std::sort(anchors.begin(), anchors.end());  // Equal scores: by anchor, then by class.
  std::vector<Detection> scores;
  for (const std::uint32_t a : anchors) {
    for (int c = 0; c < view.class_count; ++c) {
      const float logit = ClassRow(view, a)[c];
      if (options.agnostic && logit < best(a)) continue;
      scores.push_back({DecodeBox(view, a), Sigmoid(logit), c});
    }
  }
  std::stable_sort(scores.begin(), scores.end(), [](const Detection& a, const Detection& b) {
    return a.confidence > b.confidence;
  });
  scores.resize(std::min(scores.size(), k));
  const auto wanted = WantedClasses(options.classes, options.class_count);
  std::erase_if(scores, [&](const Detection& d) {
    return !(d.confidence > options.confidence) ||
           (!wanted.empty() && wanted[static_cast<std::size_t>(d.class_id)] == 0);
  });
  return scores;
}

TEST(EndToEndSelection, EqualsTheObviousOne) {
  Rng rng(12);
  for (int round = 0; round < 100; ++round) {
    const int classes = 1 + static_cast<int>(rng.Below(6));
    const RandomHead head(classes, 1, rng.Next());
    EndToEndOptions options = {.class_count = classes};
    options.confidence = round % 2 == 0 ? 0.001F : 0.6F;
    options.max_detections = 1 + static_cast<int>(rng.Below(200));
    options.agnostic = rng.Below(2) == 0;
    if (rng.Below(3) == 0) options.classes = {1};
    EndToEndSelection selection(options);
    const auto found = selection.Run(head.view());
    EXPECT_EQ(std::vector<Detection>(found.begin(), found.end()),
              ObviousSelection(head.view(), options));
  }
}

TEST(EndToEndSelection, FiltersRowsOfAnExportedModel) {
  EndToEndSelection selection({.class_count = 3, .confidence = 0.25F, .classes = {0, 2}});
  const std::vector<float> rows = {1, 2, 3, 4, .9F,  2,     1, 2, 3, 4, .8F, 1,
                                   5, 6, 7, 8, .25F, 0,     1, 1, 2, 2, .3F, 0,
                                   1, 1, 2, 2, .29F, 1e20F, 0, 0, 0, 0, 0,   0};
  const auto found = selection.Filter(rows);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], (Detection{{1, 2, 3, 4}, .9F, 2}));
  EXPECT_EQ(found[1], (Detection{{1, 1, 2, 2}, .3F, 0}));
}

}  // namespace
}  // namespace headroom
