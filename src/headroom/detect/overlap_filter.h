// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/geometry/box.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom {

// Greedy non-maximum suppression, one box at a time: boxes come best first, and a box is kept
// unless its IoU with a kept box of its group exceeds the threshold. Since the caller stops at
// max_det, a box is compared with at most max_det others, however many there are. Kept boxes lie in
// blocks of one group each, laid out for vector instructions. Not thread-safe.
class OverlapFilter {
 public:
  // Groups are classes, or one for all. Allocates for max_kept boxes.
  OverlapFilter(float iou, int group_count, int max_kept);

  // Forgets all boxes.
  void Clear();
  // True, and the box is kept, unless it overlaps a kept one of the group too much.
  // Throws InternalError when more than max_kept would be kept.
  [[nodiscard]] bool Keep(const Xyxy& box, int group);

  [[nodiscard]] static Bytes SizeFor(int group_count, int max_kept);

 private:
  static constexpr int kLanes = 16;
  static constexpr std::int32_t kNone = -1;
  struct Block {
    std::array<float, kLanes> x1, y1, x2, y2, area;
    int count;
    std::int32_t next;  // Block of the same group, or kNone.
  };
  [[nodiscard]] static std::size_t MostBlocks(int group_count, int max_kept);
  [[nodiscard]] bool Overlaps(const Block& block, const Xyxy& box) const;
  [[nodiscard]] Block& BlockWithRoom(int group);

  float iou_;
  std::vector<Block> blocks_;
  std::vector<std::int32_t> first_block_;  // By group; the newest block comes first.
};

}  // namespace headroom
