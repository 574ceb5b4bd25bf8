// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/row_top_picks.h"

#include "headroom/core/rng.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

std::vector<std::int64_t> Sorted(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

TEST(RowTopPicks, AreThoseOfLibTorchsTopk) {
  Rng rng(5);
  for (const std::int32_t anchors : {16, 189, 525, 639, 640, 1344, 8400}) {
    for (const int k : {1, 7, 10}) {
      for (int positives = 0; positives < k; ++positives) {
        at::Tensor row = at::zeros({anchors});
        for (int i = 0; i < positives; ++i) {
          // Half of them among the first anchors, where they move the zeros about.
          const auto range = static_cast<std::uint64_t>(i % 2 == 0 ? 12 : anchors);
          row[static_cast<std::int64_t>(rng.Below(range))] = rng.Uniform(1e-9, 1);
        }
        std::vector<AnchorPick> positive;
        for (std::int32_t a = 0; a < anchors; ++a) {
          if (row[a].item<float>() > 0) positive.push_back({a, row[a].item<float>()});
        }
        std::vector<AnchorPick> scratch(static_cast<std::size_t>(RowTopScratch(anchors, k)));
        std::vector<std::int64_t> ours;
        for (const AnchorPick& pick : RowTopPicks(anchors, k, positive, scratch))
          ours.push_back(pick.anchor);
        const at::Tensor top = std::get<1>(at::topk(row, k));
        const std::vector<std::int64_t> theirs(top.data_ptr<std::int64_t>(),
                                               top.data_ptr<std::int64_t>() + k);
        EXPECT_EQ(Sorted(ours), Sorted(theirs)) << anchors << " " << k << " " << positives;
      }
    }
  }
}

}  // namespace
}  // namespace headroom
