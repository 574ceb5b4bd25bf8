// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/extent_pool.h"

#include "headroom/core/check.h"

#include <algorithm>

namespace headroom {
namespace {

bool Bit(const std::vector<std::uint64_t>& bits, std::size_t i) {
  return (bits[i / 64] >> (i % 64)) & 1;
}
void SetBit(std::vector<std::uint64_t>& bits, std::size_t i) {
  bits[i / 64] |= std::uint64_t{1} << (i % 64);
}
void ClearBit(std::vector<std::uint64_t>& bits, std::size_t i) {
  bits[i / 64] &= ~(std::uint64_t{1} << (i % 64));
}

}  // namespace

ExtentPool::ExtentPool(BlockBacking& backing, const Options& options,
                       std::pmr::memory_resource& nodes)
    : backing_(backing), options_(options), free_(&nodes) {
  HEADROOM_CHECK(options.granule >= 4096 && (options.granule & (options.granule - 1)) == 0,
                 "a granule is a power of two and at least a page");
}

ExtentPool::~ExtentPool() {
  for (const Segment& segment : segments_) {
    if (segment.start != nullptr) backing_.Unmap(segment.start, segment.size);
  }
}

PoolExtent* ExtentPool::NewExtent() {
  if (spare_.empty()) {
    // Room for its return is made now, since Give must not allocate.
    spare_.reserve(storage_.size() + 1);
    return &storage_.emplace_back();
  }
  PoolExtent* const extent = spare_.back();
  spare_.pop_back();
  return extent;
}

bool ExtentPool::MapSegment(std::size_t size) {
  const std::size_t exact = (size + options_.granule - 1) / options_.granule * options_.granule;
  Segment segment;
  segment.size = std::max(exact, options_.segment);
  segment.start = backing_.Map(segment.size, options_.granule);
  if (segment.start == nullptr && segment.size > exact) {
    // Address space is short (RLIMIT_AS, strict overcommit): take no more than is needed.
    segment.size = exact;
    segment.start = backing_.Map(exact, options_.granule);
  }
  if (segment.start == nullptr) return false;
  segment.committed.resize((segment.size / options_.granule + 63) / 64);
  mapped_ += segment.size;
  PoolExtent* const whole = NewExtent();
  *whole = {static_cast<std::uint32_t>(segments_.size()), true, 0, segment.size, nullptr, nullptr};
  segments_.push_back(std::move(segment));
  free_.insert(whole);
  return true;
}

PoolExtent* ExtentPool::Take(std::size_t size) {
  PoolExtent key;
  key.size = size;
  auto best = free_.lower_bound(&key);
  if (best == free_.end()) {
    if (!MapSegment(size)) return nullptr;
    best = free_.lower_bound(&key);
  }
  PoolExtent* const extent = *best;
  auto node = free_.extract(best);
  extent->free = false;
  if (extent->size - size < options_.min_split) return extent;
  PoolExtent* const rest = NewExtent();
  *rest = {extent->segment, true, extent->offset + size, extent->size - size, extent, extent->next};
  if (rest->next != nullptr) rest->next->previous = rest;
  extent->next = rest;
  extent->size = size;
  node.value() = rest;
  free_.insert(std::move(node));
  return extent;
}

void ExtentPool::Give(PoolExtent* extent) {
  extent->free = true;
  if (PoolExtent* const before = extent->previous; before != nullptr && before->free) {
    free_.erase(before);
    before->size += extent->size;
    before->next = extent->next;
    if (extent->next != nullptr) extent->next->previous = before;
    spare_.push_back(extent);
    extent = before;
  }
  if (PoolExtent* const after = extent->next; after != nullptr && after->free) {
    free_.erase(after);
    extent->size += after->size;
    extent->next = after->next;
    if (after->next != nullptr) after->next->previous = extent;
    spare_.push_back(after);
  }
  free_.insert(extent);
}

std::size_t ExtentPool::Missing(const PoolExtent& extent) const {
  const auto& bits = segments_[extent.segment].committed;
  std::size_t missing = 0;
  const std::size_t last = (extent.offset + extent.size - 1) / options_.granule;
  for (std::size_t i = extent.offset / options_.granule; i <= last; ++i)
    missing += Bit(bits, i) ? 0 : 1;
  return missing * options_.granule;
}

void ExtentPool::Commit(const PoolExtent& extent) {
  auto& bits = segments_[extent.segment].committed;
  const std::size_t last = (extent.offset + extent.size - 1) / options_.granule;
  for (std::size_t i = extent.offset / options_.granule; i <= last; ++i) SetBit(bits, i);
}

std::size_t ExtentPool::PurgeExtent(const PoolExtent& extent, std::size_t wanted) {
  Segment& segment = segments_[extent.segment];
  const std::size_t granule = options_.granule;
  const std::size_t end = (extent.offset + extent.size) / granule;
  std::size_t given = 0;
  std::size_t i = (extent.offset + granule - 1) / granule;
  while (i < end && given < wanted) {
    const std::size_t first = i;
    while (i < end && given < wanted && Bit(segment.committed, i)) {
      ClearBit(segment.committed, i++);
      given += granule;
    }
    if (i > first) backing_.Discard(segment.start + first * granule, (i - first) * granule);
    if (i == first) ++i;
  }
  return given;
}

std::size_t ExtentPool::Purge(std::size_t wanted) {
  std::size_t given = 0;
  for (auto it = free_.rbegin(); it != free_.rend() && given < wanted; ++it) {
    given += PurgeExtent(**it, wanted - given);
  }
  UnmapEmpty();
  return given;
}

void ExtentPool::UnmapEmpty() {
  for (auto it = free_.begin(); it != free_.end();) {
    PoolExtent* const extent = *it;
    Segment& segment = segments_[extent->segment];
    const bool whole = extent->size == segment.size;
    const bool empty = std::all_of(segment.committed.begin(), segment.committed.end(),
                                   [](std::uint64_t word) { return word == 0; });
    if (!whole || !empty) {
      ++it;
      continue;
    }
    it = free_.erase(it);
    backing_.Unmap(segment.start, segment.size);
    mapped_ -= segment.size;
    segment = {};
    spare_.push_back(extent);
  }
}

}  // namespace headroom
