// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/overlap_filter.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <limits>

namespace headroom {

OverlapFilter::OverlapFilter(float iou, int group_count, int max_kept)
    : iou_(iou), first_block_(static_cast<std::size_t>(group_count), kNone) {
  blocks_.reserve(MostBlocks(group_count, max_kept));
}

std::size_t OverlapFilter::MostBlocks(int group_count, int max_kept) {
  // Full blocks, and for each group that has any box one that is not.
  return static_cast<std::size_t>(max_kept / kLanes + std::min(group_count, max_kept));
}

Bytes OverlapFilter::SizeFor(int group_count, int max_kept) {
  return Bytes::Of(MostBlocks(group_count, max_kept), sizeof(Block)) +
         Bytes::Of(static_cast<std::uint64_t>(group_count), sizeof(std::int32_t));
}

void OverlapFilter::Clear() {
  blocks_.clear();
  std::fill(first_block_.begin(), first_block_.end(), kNone);
}

bool OverlapFilter::Overlaps(const Block& block, const Xyxy& box) const {
  const float area = box.area();
  int over = 0;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const float width = std::min(block.x2[i], box.x2) - std::max(block.x1[i], box.x1);
    const float height = std::min(block.y2[i], box.y2) - std::max(block.y1[i], box.y1);
    const float shared = std::max(width, 0.0F) * std::max(height, 0.0F);
    over |= static_cast<int>(shared / (block.area[i] + area - shared) > iou_);
  }
  return over != 0;
}

OverlapFilter::Block& OverlapFilter::BlockWithRoom(int group) {
  std::int32_t& first = first_block_[static_cast<std::size_t>(group)];
  if (first != kNone && blocks_[static_cast<std::size_t>(first)].count < kLanes) {
    return blocks_[static_cast<std::size_t>(first)];
  }
  HEADROOM_CHECK(blocks_.size() < blocks_.capacity(), "more boxes kept than announced");
  Block& block = blocks_.emplace_back();
  // Free lanes hold a box that shares nothing with any.
  constexpr float kFar = std::numeric_limits<float>::infinity();
  block.x1.fill(kFar);
  block.y1.fill(kFar);
  block.x2.fill(-kFar);
  block.y2.fill(-kFar);
  block.area.fill(0);
  block.count = 0;
  block.next = first;
  first = static_cast<std::int32_t>(blocks_.size()) - 1;
  return block;
}

bool OverlapFilter::Keep(const Xyxy& box, int group) {
  for (std::int32_t b = first_block_[static_cast<std::size_t>(group)]; b != kNone;) {
    const Block& block = blocks_[static_cast<std::size_t>(b)];
    if (Overlaps(block, box)) return false;
    b = block.next;
  }
  Block& block = BlockWithRoom(group);
  const auto lane = static_cast<std::size_t>(block.count++);
  block.x1[lane] = box.x1;
  block.y1[lane] = box.y1;
  block.x2[lane] = box.x2;
  block.y2[lane] = box.y2;
  block.area[lane] = box.area();
  return true;
}

}  // namespace headroom
