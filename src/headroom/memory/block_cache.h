// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/memory/block_backing.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/extent_pool.h"
#include "headroom/memory/memory_tag.h"
#include "headroom/memory/reclaimable.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <unordered_map>

namespace headroom {

struct BlockCacheOptions {
  // Memory is committed, charged and given back in this unit: a huge page.
  Bytes granule = Bytes::MiB(2);
  // Address space taken at once. Costs no memory; larger means fewer borders that blocks cannot
  // join.
  Bytes segment = Bytes::GiB(1);
};

struct BlockCacheStats {
  struct Row {
    Bytes now;
    Bytes peak;
  };
  std::array<Row, kMemoryTagCount> tags;  // Blocks, sizes as rounded. Peaks of kFreeBlocks are 0.
  Row in_use;                             // Sum over the tags.
  Row committed;                          // What is charged: never less than what is resident.
  Bytes mapped;                           // Address space.
  std::uint64_t allocations = 0;          // Calls so far, failed ones included.
  std::uint64_t commits = 0;              // Calls that had to commit: 0 a step in steady state.
};

// The caching allocator under the CPU's tensors. Blocks are 64-byte aligned; freed blocks stay
// committed and are used again without a page fault. Up to 16 KiB: size classes (four a doubling)
// in slabs of 64 KiB; above: best fit with splitting and joining, blocks under and over 1 MiB
// apart, so that a small block that lives long does not cut a large hole in two. No byte of
// bookkeeping lies in the blocks: over a DryRunBacking the same requests, in the same order, give
// the same placement and the same peaks.
//
// With a budget, memory is charged (tag kFreeBlocks) before it is committed, and the ledger's bytes
// move to the block's tag and back; free blocks are offered to the budget first of all
// (ReclaimOrder::kFreeBlocks). Whoever allocates here must not hold a lock that its own or another
// holder's Release takes: the budget may call it from inside the allocation. Thread-safe. Cost: see
// block_cache_bench.cc. Must outlive its blocks; backing and budget must outlive it.
class BlockCache : public Reclaimable {
 public:
  explicit BlockCache(BlockBacking& backing, Budget* budget = nullptr,
                      const BlockCacheOptions& options = {});
  ~BlockCache() override;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // nullptr when the budget or the system refuses, or FailAfter says so; nothing is changed then.
  // size 0 gives nullptr too.
  [[nodiscard]] void* TryAllocate(Bytes size, MemoryTag tag) EXCLUDES(mutex_);
  // Throws BudgetError instead (what was asked, what is held by whom, the limit, what to change).
  [[nodiscard]] void* Allocate(Bytes size, MemoryTag tag) EXCLUDES(mutex_);
  // nullptr is allowed. Throws InternalError for a pointer that is no live block.
  void Free(void* block) EXCLUDES(mutex_);
  // True for a live block's first byte (and for any address in a slab of small blocks).
  [[nodiscard]] bool Owns(const void* block) const EXCLUDES(mutex_);
  // The block's size as rounded, at least what was asked for.
  [[nodiscard]] Bytes SizeOf(const void* block) const EXCLUDES(mutex_);

  // Gives about `wanted` bytes of free blocks back to the system; returns how many it gave.
  Bytes Purge(Bytes wanted) EXCLUDES(mutex_);
  [[nodiscard]] BlockCacheStats Read() const EXCLUDES(mutex_);
  // Peaks start again from what is held now.
  void ResetPeaks() EXCLUDES(mutex_);

  // For tests: the k-th call from now on (1 is the next) fails once; 0 takes it back.
  void FailAfter(std::uint64_t k) EXCLUDES(mutex_);

  [[nodiscard]] std::string_view name() const override { return "free blocks"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kFreeBlocks; }
  Bytes Release(Bytes wanted, ReclaimTime /*time*/) override { return Purge(wanted); }

 private:
  static constexpr std::size_t kSlabSize = 64 << 10;
  static constexpr std::size_t kSmallest = 64;
  static constexpr std::size_t kMaxSlots = kSlabSize / kSmallest;
  static constexpr std::size_t kClassCount = 28;

  enum PoolKind : std::uint8_t { kSlabs, kMedium, kLarge };
  struct Slab {
    PoolExtent* extent = nullptr;
    std::byte* start = nullptr;
    std::uint32_t size_class = 0;
    std::uint32_t slot_size = 0;
    std::uint32_t slots = 0;
    std::uint32_t taken = 0;
    std::uint32_t first_word = 0;  // No free slot lies in an earlier word.
    std::array<std::uint64_t, kMaxSlots / 64> free_slots{};
    std::array<MemoryTag, kMaxSlots> tags{};
  };
  struct Block {
    PoolExtent* extent;
    PoolKind pool;
    MemoryTag tag;
  };
  using OpenSlabs = std::pmr::map<std::uint64_t, Slab*>;  // By (segment, offset): lowest first.

  [[nodiscard]] ExtentPool& Pool(PoolKind kind) REQUIRES(mutex_);
  [[nodiscard]] bool FailsNow() EXCLUDES(mutex_);
  [[nodiscard]] void* AllocateSmall(std::size_t size, MemoryTag tag) EXCLUDES(mutex_);
  [[nodiscard]] void* AllocateLarge(std::size_t size, MemoryTag tag) EXCLUDES(mutex_);
  // Takes an extent and makes sure that its granules are charged and committed.
  [[nodiscard]] PoolExtent* TakeCommitted(PoolKind kind, std::size_t size) EXCLUDES(mutex_);
  [[nodiscard]] void* TakeSlot(Slab& slab, MemoryTag tag) REQUIRES(mutex_);
  Slab& OpenSlab(PoolExtent* extent, std::size_t size_class, std::size_t slot_size)
      REQUIRES(mutex_);
  void FreeSlot(Slab& slab, std::byte* block) REQUIRES(mutex_);
  void CloseSlab(Slab& slab) REQUIRES(mutex_);
  void CloseEmptySlabs() REQUIRES(mutex_);
  void Poison(void* block, std::size_t size) const;
  void Unpoison(void* block, std::size_t size) const;
  [[nodiscard]] Slab* SlabOf(const void* block) const REQUIRES(mutex_);
  void Account(MemoryTag tag, std::size_t bytes) REQUIRES(mutex_);
  void Unaccount(MemoryTag tag, std::size_t bytes) REQUIRES(mutex_);

  [[maybe_unused]] BlockBacking& backing_;  // Used under AddressSanitizer only.
  Budget* const budget_;
  const BlockCacheOptions options_;
  // Only one thread at a time commits: a granule that two blocks share is charged once. Taken
  // before mutex_, and held while the budget asks others to give back.
  Mutex commit_mutex_;
  mutable Mutex mutex_;
  std::pmr::unsynchronized_pool_resource nodes_;  // Used under mutex_ by what follows.
  std::array<std::unique_ptr<ExtentPool>, 3> pools_ GUARDED_BY(mutex_);  // By PoolKind.
  std::pmr::unordered_map<std::uintptr_t, std::unique_ptr<Slab>> slabs_ GUARDED_BY(mutex_);
  std::pmr::unordered_map<const void*, Block> blocks_ GUARDED_BY(mutex_);
  std::array<std::unique_ptr<OpenSlabs>, kClassCount> open_slabs_ GUARDED_BY(mutex_);
  BlockCacheStats stats_ GUARDED_BY(mutex_);
  std::uint64_t fail_at_ GUARDED_BY(mutex_) = 0;
};

}  // namespace headroom
