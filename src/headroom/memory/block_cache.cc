// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/block_cache.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace headroom {
namespace {

constexpr std::size_t kLargestSmall = 16 << 10;
constexpr std::size_t kSmallestLarge = 1 << 20;
constexpr std::size_t kLinearClasses = 8;  // 64, 128, ... 512; then four a doubling.

struct SizeClass {
  std::size_t index;
  std::size_t size;
};

SizeClass ClassOf(std::size_t size) {
  if (size <= 512) {
    const std::size_t units = std::max<std::size_t>((size + 63) / 64, 1);
    return {units - 1, units * 64};
  }
  // 2^log < size <= 2^(log + 1), in quarters of 2^log.
  const auto log = static_cast<std::size_t>(std::bit_width(size - 1)) - 1;
  const std::size_t quarter = std::size_t{1} << (log - 2);
  const std::size_t rounded = (size + quarter - 1) / quarter * quarter;
  return {kLinearClasses + (log - 9) * 4 + (rounded >> (log - 2)) - 5, rounded};
}

std::size_t RoundLarge(std::size_t size) { return (size + 511) & ~std::size_t{511}; }

std::uint64_t Place(const PoolExtent& extent) {
  return (std::uint64_t{extent.segment} << 40) | extent.offset;
}

}  // namespace

BlockCache::BlockCache(BlockBacking& backing, Budget* budget, const BlockCacheOptions& options)
    : backing_(backing), budget_(budget), options_(options), slabs_(&nodes_), blocks_(&nodes_) {
  const std::size_t granule = options.granule.count();
  HEADROOM_CHECK(granule >= kSlabSize, "a slab must not cross granules");
  const std::size_t segment = options.segment.count();
  const std::size_t short_segment = std::min<std::size_t>(segment, 64 << 20);
  const auto pool = [&](std::size_t segment_size, std::size_t min_split) {
    return std::make_unique<ExtentPool>(
        backing, ExtentPool::Options{granule, segment_size, min_split}, nodes_);
  };
  pools_ = {pool(short_segment, kSlabSize), pool(short_segment, 512), pool(segment, 512)};
  for (auto& slabs : open_slabs_) slabs = std::make_unique<OpenSlabs>(&nodes_);
  if (budget_ != nullptr) budget_->Register(*this);
}

BlockCache::~BlockCache() {
  if (budget_ == nullptr) return;
  budget_->Unregister(*this);
  // What is still in blocks is charged to their tags; without its cache it is gone all the same.
  const BlockCacheStats stats = Read();
  Bytes in_blocks;
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    if (stats.tags[i].now == Bytes()) continue;
    budget_->Release(static_cast<MemoryTag>(i), stats.tags[i].now);
    in_blocks += stats.tags[i].now;
  }
  budget_->Release(MemoryTag::kFreeBlocks, stats.committed.now - in_blocks);
}

ExtentPool& BlockCache::Pool(PoolKind kind) { return *pools_[kind]; }

bool BlockCache::FailsNow() {
  MutexLock lock(mutex_);
  if (++stats_.allocations != fail_at_) return false;
  fail_at_ = 0;
  return true;
}

void* BlockCache::TryAllocate(Bytes size, MemoryTag tag) {
  // A size that no machine has is a wrapped one; rounding it must not wrap again.
  if (size == Bytes() || FailsNow() || size.count() > (std::uint64_t{1} << 46)) return nullptr;
  return size.count() <= kLargestSmall ? AllocateSmall(size.count(), tag)
                                       : AllocateLarge(size.count(), tag);
}

void* BlockCache::Allocate(Bytes size, MemoryTag tag) {
  void* const block = TryAllocate(size, tag);
  if (block != nullptr || size == Bytes()) return block;
  if (budget_ != nullptr) throw BudgetError(budget_->Explain(tag, size));
  throw BudgetError(fmt::format(
      "{} asked for {} and the system refused; use a smaller batch= or imgsz=", Name(tag),
      ToString(size)));
}

PoolExtent* BlockCache::TakeCommitted(PoolKind kind, std::size_t size) {
  PoolExtent* extent = nullptr;
  {
    MutexLock lock(mutex_);
    extent = Pool(kind).Take(size);
    if (extent == nullptr || Pool(kind).Missing(*extent) == 0) return extent;
  }
  // The charge may ask holders to give back, this cache among them: mutex_ must be free.
  MutexLock committing(commit_mutex_);
  std::size_t missing = 0;
  {
    MutexLock lock(mutex_);
    missing = Pool(kind).Missing(*extent);
  }
  const bool charged = missing == 0 || budget_ == nullptr ||
                       budget_->TryCharge(MemoryTag::kFreeBlocks, Bytes(missing));
  MutexLock lock(mutex_);
  if (!charged) {
    Pool(kind).Give(extent);
    return nullptr;
  }
  Pool(kind).Commit(*extent);
  stats_.commits += missing != 0 ? 1 : 0;
  stats_.committed.now += Bytes(missing);
  stats_.committed.peak = std::max(stats_.committed.peak, stats_.committed.now);
  return extent;
}

void* BlockCache::AllocateLarge(std::size_t size, MemoryTag tag) {
  const PoolKind kind = size > kSmallestLarge ? kLarge : kMedium;
  PoolExtent* const extent = TakeCommitted(kind, RoundLarge(size));
  if (extent == nullptr) return nullptr;
  MutexLock lock(mutex_);
  void* const block = Pool(kind).Address(*extent);
  blocks_.emplace(block, Block{extent, kind, tag});
  Account(tag, extent->size);
  Unpoison(block, extent->size);
  return block;
}

void* BlockCache::AllocateSmall(std::size_t size, MemoryTag tag) {
  const SizeClass size_class = ClassOf(size);
  {
    MutexLock lock(mutex_);
    const OpenSlabs& open = *open_slabs_[size_class.index];
    if (!open.empty()) return TakeSlot(*open.begin()->second, tag);
  }
  PoolExtent* const extent = TakeCommitted(kSlabs, kSlabSize);
  if (extent == nullptr) return nullptr;
  MutexLock lock(mutex_);
  return TakeSlot(OpenSlab(extent, size_class.index, size_class.size), tag);
}

BlockCache::Slab& BlockCache::OpenSlab(PoolExtent* extent, std::size_t size_class,
                                       std::size_t slot_size) {
  auto slab = std::make_unique<Slab>();
  slab->extent = extent;
  slab->start = Pool(kSlabs).Address(*extent);
  slab->size_class = static_cast<std::uint32_t>(size_class);
  slab->slot_size = static_cast<std::uint32_t>(slot_size);
  slab->slots = static_cast<std::uint32_t>(kSlabSize / slot_size);
  for (std::size_t i = 0; i < slab->slots; ++i)
    slab->free_slots[i / 64] |= std::uint64_t{1} << (i % 64);
  Slab& opened = *slab;
  open_slabs_[size_class]->emplace(Place(*extent), &opened);
  slabs_.emplace(reinterpret_cast<std::uintptr_t>(opened.start) / kSlabSize, std::move(slab));
  return opened;
}

void* BlockCache::TakeSlot(Slab& slab, MemoryTag tag) {
  while (slab.free_slots[slab.first_word] == 0) ++slab.first_word;
  std::uint64_t& word = slab.free_slots[slab.first_word];
  const std::size_t slot = slab.first_word * 64 + static_cast<std::size_t>(std::countr_zero(word));
  word &= word - 1;
  slab.tags[slot] = tag;
  if (++slab.taken == slab.slots) open_slabs_[slab.size_class]->erase(Place(*slab.extent));
  Account(tag, slab.slot_size);
  std::byte* const block = slab.start + slot * slab.slot_size;
  Unpoison(block, slab.slot_size);
  return block;
}

void BlockCache::FreeSlot(Slab& slab, std::byte* block) {
  const auto offset = static_cast<std::size_t>(block - slab.start);
  const std::size_t slot = offset / slab.slot_size;
  std::uint64_t& word = slab.free_slots[slot / 64];
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  HEADROOM_CHECK(offset % slab.slot_size == 0 && slot < slab.slots && (word & bit) == 0,
                 "free of a pointer that is no live block");
  word |= bit;
  slab.first_word = std::min(slab.first_word, static_cast<std::uint32_t>(slot / 64));
  Unaccount(slab.tags[slot], slab.slot_size);
  Poison(block, slab.slot_size);
  OpenSlabs& open = *open_slabs_[slab.size_class];
  if (slab.taken-- == slab.slots) open.emplace(Place(*slab.extent), &slab);
  // One empty slab a class is kept, so that a block that comes and goes does not cut one each time.
  if (slab.taken == 0 && open.size() > 1) CloseSlab(slab);
}

void BlockCache::CloseSlab(Slab& slab) {
  open_slabs_[slab.size_class]->erase(Place(*slab.extent));
  Pool(kSlabs).Give(slab.extent);
  slabs_.erase(reinterpret_cast<std::uintptr_t>(slab.start) / kSlabSize);
}

void BlockCache::CloseEmptySlabs() {
  for (auto& open : open_slabs_) {
    for (auto it = open->begin(); it != open->end();) {
      Slab* const slab = (it++)->second;
      if (slab->taken == 0) CloseSlab(*slab);
    }
  }
}

BlockCache::Slab* BlockCache::SlabOf(const void* block) const {
  const auto it = slabs_.find(reinterpret_cast<std::uintptr_t>(block) / kSlabSize);
  return it == slabs_.end() ? nullptr : it->second.get();
}

void BlockCache::Free(void* block) {
  if (block == nullptr) return;
  MutexLock lock(mutex_);
  if (Slab* const slab = SlabOf(block)) return FreeSlot(*slab, static_cast<std::byte*>(block));
  const auto it = blocks_.find(block);
  HEADROOM_CHECK(it != blocks_.end(), "free of a pointer that is no live block");
  const Block found = it->second;
  blocks_.erase(it);
  Unaccount(found.tag, found.extent->size);
  Poison(block, found.extent->size);
  Pool(found.pool).Give(found.extent);
}

bool BlockCache::Owns(const void* block) const {
  MutexLock lock(mutex_);
  return SlabOf(block) != nullptr || blocks_.contains(block);
}

Bytes BlockCache::SizeOf(const void* block) const {
  MutexLock lock(mutex_);
  if (const Slab* const slab = SlabOf(block)) return Bytes(slab->slot_size);
  const auto it = blocks_.find(block);
  HEADROOM_CHECK(it != blocks_.end(), "size of a pointer that is no live block");
  return Bytes(it->second.extent->size);
}

void BlockCache::Account(MemoryTag tag, std::size_t bytes) {
  const auto add = [bytes](BlockCacheStats::Row& row) {
    row.now += Bytes(bytes);
    row.peak = std::max(row.peak, row.now);
  };
  add(stats_.tags[static_cast<std::size_t>(tag)]);
  add(stats_.in_use);
  if (budget_ != nullptr)
    budget_->ledger().Retag(MemoryTag::kFreeBlocks, tag, Bytes(bytes), budget_->place());
}

void BlockCache::Unaccount(MemoryTag tag, std::size_t bytes) {
  stats_.tags[static_cast<std::size_t>(tag)].now -= Bytes(bytes);
  stats_.in_use.now -= Bytes(bytes);
  if (budget_ != nullptr)
    budget_->ledger().Retag(tag, MemoryTag::kFreeBlocks, Bytes(bytes), budget_->place());
}

Bytes BlockCache::Purge(Bytes wanted) {
  MutexLock lock(mutex_);
  CloseEmptySlabs();
  std::size_t given = 0;
  for (const PoolKind kind : {kLarge, kMedium, kSlabs}) {
    if (given < wanted.count()) given += Pool(kind).Purge(wanted.count() - given);
  }
  stats_.committed.now -= Bytes(given);
  if (budget_ != nullptr && given != 0) budget_->Release(MemoryTag::kFreeBlocks, Bytes(given));
  return Bytes(given);
}

BlockCacheStats BlockCache::Read() const {
  MutexLock lock(mutex_);
  BlockCacheStats stats = stats_;
  for (const auto& pool : pools_) stats.mapped += Bytes(pool->mapped());
  return stats;
}

void BlockCache::ResetPeaks() {
  MutexLock lock(mutex_);
  for (auto& row : stats_.tags) row.peak = row.now;
  stats_.in_use.peak = stats_.in_use.now;
  stats_.committed.peak = stats_.committed.now;
}

void BlockCache::FailAfter(std::uint64_t k) {
  MutexLock lock(mutex_);
  fail_at_ = k == 0 ? 0 : stats_.allocations + k;
}

// Use after free of a cached block is found only where AddressSanitizer is told.
void BlockCache::Poison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) const {
#if defined(__SANITIZE_ADDRESS__)
  if (backing_.has_memory()) ASAN_POISON_MEMORY_REGION(block, size);
#endif
}

void BlockCache::Unpoison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) const {
#if defined(__SANITIZE_ADDRESS__)
  if (backing_.has_memory()) ASAN_UNPOISON_MEMORY_REGION(block, size);
#endif
}

}  // namespace headroom
