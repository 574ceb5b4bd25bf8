// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/block_backing.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <set>
#include <vector>

namespace headroom {

// A run of bytes inside a segment, free or taken. Owned by its pool; stable while taken.
struct PoolExtent {
  std::uint32_t segment = 0;
  bool free = false;
  std::size_t offset = 0;
  std::size_t size = 0;
  PoolExtent* previous = nullptr;  // Neighbours by address in the same segment.
  PoolExtent* next = nullptr;
};

// Address ranges cut and joined by best fit; equal sizes by segment and offset, so that placement
// is a function of the requests alone. Which bytes are really there is kept apart, per granule: a
// granule is committed when a block first covers a part of it, and stays so until Purge.
// Not thread-safe. Cost of Take and Give: O(log free extents).
class ExtentPool {
 public:
  struct Options {
    std::size_t granule;  // Power of two, at least a page.
    std::size_t
        segment;  // Address space taken at once; larger requests get a segment of their own.
    std::size_t min_split;  // A remainder below this stays with the block.
  };
  ExtentPool(BlockBacking& backing, const Options& options, std::pmr::memory_resource& nodes);
  ~ExtentPool();
  ExtentPool(const ExtentPool&) = delete;
  ExtentPool& operator=(const ExtentPool&) = delete;

  // nullptr when no free extent fits and the backing refuses a new segment.
  [[nodiscard]] PoolExtent* Take(std::size_t size);
  // Joins it with free neighbours; the pointer is dead afterwards.
  void Give(PoolExtent* extent);
  // Bytes of granules under the extent that are not there yet; Commit marks them.
  [[nodiscard]] std::size_t Missing(const PoolExtent& extent) const;
  void Commit(const PoolExtent& extent);
  // Discards whole committed granules inside free extents, largest extents first, until `wanted`
  // bytes are given; segments left without any are unmapped. Returns the bytes. Does not allocate.
  std::size_t Purge(std::size_t wanted);

  [[nodiscard]] std::byte* Address(const PoolExtent& extent) const {
    return segments_[extent.segment].start + extent.offset;
  }
  [[nodiscard]] std::size_t mapped() const { return mapped_; }

 private:
  struct Segment {
    std::byte* start = nullptr;  // nullptr: unmapped again; the number is not used twice.
    std::size_t size = 0;
    std::vector<std::uint64_t> committed;  // A bit per granule.
  };
  struct SmallestFirst {
    bool operator()(const PoolExtent* a, const PoolExtent* b) const {
      if (a->size != b->size) return a->size < b->size;
      if (a->segment != b->segment) return a->segment < b->segment;
      return a->offset < b->offset;
    }
  };

  [[nodiscard]] PoolExtent* NewExtent();
  [[nodiscard]] bool MapSegment(std::size_t size);
  std::size_t PurgeExtent(const PoolExtent& extent, std::size_t wanted);
  void UnmapEmpty();

  BlockBacking& backing_;
  const Options options_;
  std::vector<Segment> segments_;
  std::deque<PoolExtent> storage_;
  std::vector<PoolExtent*> spare_;
  std::pmr::set<PoolExtent*, SmallestFirst> free_;
  std::size_t mapped_ = 0;
};

}  // namespace headroom
