// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace headroom {

// An anchor that a box picks, by its metric.
struct AnchorPick {
  std::int32_t anchor = 0;
  float metric = 0;
};

// The k largest of a row of `anchors` metrics of which all are zero but the `positive` ones (fewer
// than k, in ascending order of anchors). The zeros among them are those that LibTorch's topk takes
// on a CPU: it partially sorts the row where 64 k <= anchors, else it partitions it, and which of
// equal entries come first follows from the standard library's algorithm alone. Running the same
// algorithm here gives the same picks; where the row is partially sorted, only its first k entries
// and the positive ones can be among the result, and the rest need not be there.
// `row` is scratch of RowTopScratch(anchors, k) entries; the result is its first min(k, anchors).
[[nodiscard]] std::span<const AnchorPick> RowTopPicks(std::int32_t anchors, int k,
                                                      std::span<const AnchorPick> positive,
                                                      std::span<AnchorPick> row);
[[nodiscard]] std::int64_t RowTopScratch(std::int32_t anchors, int k);

}  // namespace headroom
