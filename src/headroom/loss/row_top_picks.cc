// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/row_top_picks.h"

#include <algorithm>

namespace headroom {
namespace {

bool SortsPartially(std::int32_t anchors, int k) { return 64 * k <= anchors; }

}  // namespace

std::int64_t RowTopScratch(std::int32_t anchors, int k) {
  return SortsPartially(anchors, k) ? 2 * k : anchors;
}

std::span<const AnchorPick> RowTopPicks(std::int32_t anchors, int k,
                                        std::span<const AnchorPick> positive,
                                        std::span<AnchorPick> row) {
  const bool sorts = SortsPartially(anchors, k);
  const std::int32_t dense = sorts ? k : anchors;
  for (std::int32_t a = 0; a < dense; ++a) row[static_cast<std::size_t>(a)] = {a, 0};
  auto end = static_cast<std::size_t>(dense);
  for (const AnchorPick& pick : positive) {
    if (pick.anchor < dense) {
      row[static_cast<std::size_t>(pick.anchor)].metric = pick.metric;
    } else {
      row[end++] = pick;
    }
  }
  const auto larger = [](const AnchorPick& a, const AnchorPick& b) { return a.metric > b.metric; };
  const auto used = row.first(end);
  const auto best = std::min<std::ptrdiff_t>(k, anchors);
  if (sorts) {
    std::partial_sort(used.begin(), used.begin() + best, used.end(), larger);
  } else {
    std::nth_element(used.begin(), used.begin() + (best - 1), used.end(), larger);
  }
  return row.first(static_cast<std::size_t>(best));
}

}  // namespace headroom
