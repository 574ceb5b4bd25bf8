// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/block_cache.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/rng.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace headroom {
namespace {

using ::testing::HasSubstr;

constexpr BlockCacheOptions kTiny = {.granule = Bytes::KiB(64), .segment = Bytes::MiB(4)};

// A training step's habit: many small, some large, freed in another order, a part kept for long.
struct Traffic {
  explicit Traffic(BlockCache& target, std::uint64_t seed) : cache(target), rng(seed) {}

  void Run(int requests) {
    for (int i = 0; i < requests; ++i) {
      if (live.size() > 200 || (!live.empty() && rng.Uniform() < 0.48)) {
        FreeOne();
      } else {
        AllocateOne();
      }
    }
  }
  void AllocateOne() {
    const double kind = rng.Uniform();
    const double most = kind < 0.6 ? 20e3 : kind < 0.9 ? 1.2e6 : 6e6;
    const Bytes size(1 + static_cast<std::uint64_t>(rng.Uniform() * most));
    const auto tag = static_cast<MemoryTag>(static_cast<std::size_t>(rng.Uniform() * 16));
    if (void* const block = cache.TryAllocate(size, tag)) live.emplace_back(block, size);
  }
  void FreeOne() {
    const auto at =
        std::min(live.size() - 1,
                 static_cast<std::size_t>(rng.Uniform() * static_cast<double>(live.size())));
    cache.Free(live[at].first);
    live[at] = live.back();
    live.pop_back();
  }
  void FreeAll() {
    while (!live.empty()) FreeOne();
  }

  BlockCache& cache;
  Rng rng;
  std::vector<std::pair<void*, Bytes>> live;
};

TEST(BlockCache, BlocksAreAlignedDisjointAndWritable) {
  MmapBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  for (std::size_t size = 1; size < (9 << 20); size = size * 3 / 2 + 7) {
    auto* const block =
        static_cast<std::byte*>(cache.Allocate(Bytes(size), MemoryTag::kActivations));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U);
    EXPECT_GE(cache.SizeOf(block).count(), size);
    EXPECT_LE(cache.SizeOf(block).count(), size + size / 4 + 512);
    std::memset(block, static_cast<int>(blocks.size() + 1), size);
    blocks.emplace_back(block, size);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].first[0], static_cast<std::byte>(i + 1));
    EXPECT_EQ(blocks[i].first[blocks[i].second - 1], static_cast<std::byte>(i + 1));
    cache.Free(blocks[i].first);
  }
  EXPECT_EQ(cache.Read().in_use.now, Bytes());
}

TEST(BlockCache, EverySmallSizeFallsIntoAClassThatHoldsIt) {
  DryRunBacking backing;
  BlockCache cache(backing);
  for (std::uint64_t size = 1; size <= (16 << 10); ++size) {
    void* const block = cache.Allocate(Bytes(size), MemoryTag::kOther);
    ASSERT_GE(cache.SizeOf(block).count(), size);
    ASSERT_LT(cache.SizeOf(block).count(), size + std::max<std::uint64_t>(64, size / 4));
    cache.Free(block);
  }
}

TEST(BlockCache, ADryRunHasTheSamePlacementAndPeaksAsRealMemory) {
  MmapBacking real;
  DryRunBacking dry;
  BlockCache real_cache(real, nullptr, kTiny);
  BlockCache dry_cache(dry, nullptr, kTiny);
  Traffic real_traffic(real_cache, 7);
  Traffic dry_traffic(dry_cache, 7);
  for (int round = 0; round < 20; ++round) {
    real_traffic.Run(500);
    dry_traffic.Run(500);
    if (round % 5 == 4) {
      EXPECT_EQ(real_cache.Purge(Bytes::MiB(3)), dry_cache.Purge(Bytes::MiB(3)));
    }
    const BlockCacheStats a = real_cache.Read();
    const BlockCacheStats b = dry_cache.Read();
    ASSERT_EQ(a.committed.peak, b.committed.peak);
    ASSERT_EQ(a.committed.now, b.committed.now);
    ASSERT_EQ(a.in_use.peak, b.in_use.peak);
    ASSERT_EQ(a.mapped, b.mapped);
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag)
      ASSERT_EQ(a.tags[tag].peak, b.tags[tag].peak);
  }
  EXPECT_GT(real_cache.Read().in_use.peak, Bytes::MiB(10));
}

TEST(BlockCache, SteadyStateCommitsNothingAndFaultsNothing) {
  MmapBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  const auto step = [&cache] {
    std::vector<void*> blocks;
    for (std::uint64_t i = 1; i < 60; ++i) {
      blocks.push_back(cache.Allocate(Bytes(i * 37000), MemoryTag::kActivations));
      std::memset(blocks.back(), 1, i * 37000);
    }
    for (void* block : blocks) cache.Free(block);
  };
  const auto faults = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
  };
  step();
  step();
  const BlockCacheStats warm = cache.Read();
  const auto before = faults();
  for (int i = 0; i < 5; ++i) step();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // Their shadow faults too.
  EXPECT_LT(faults() - before, 50);  // The vector's; without a cache 80,000.
#endif
  EXPECT_EQ(cache.Read().commits, warm.commits);
  EXPECT_EQ(cache.Read().committed.now, warm.committed.now);
}

Bytes ResidentAnonymous() {
  const std::string status = *ReadFile("/proc/self/status");
  const std::size_t at = status.find("RssAnon:") + 8;
  return Bytes::KiB(std::stoull(status.substr(at)));
}

TEST(BlockCache, WhatIsCommittedIsWhatBecomesResident) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's shadow memory is resident, too";
#endif
  MmapBacking backing;
  BlockCache cache(backing);
  const Bytes before = ResidentAnonymous();
  std::vector<void*> blocks;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    const std::uint64_t size = i % 3 == 0   ? 200 + i
                               : i % 3 == 1 ? 20'000 + 30 * i
                                            : 1'100'000 + 100 * i;
    blocks.push_back(cache.Allocate(Bytes(size), MemoryTag::kActivations));
    std::memset(blocks.back(), 1, size);
  }
  const Bytes resident = ResidentAnonymous() - before;
  const Bytes committed = cache.Read().committed.now;
  EXPECT_LE(resident, committed + Bytes::MiB(1));  // The tables.
  EXPECT_GE(resident, Scale(committed, 0.98));
  EXPECT_LE(committed, Scale(Bytes(cache.Read().in_use.now.count() * 2), 0.51));  // 2 % over.
  for (void* block : blocks) cache.Free(block);
  cache.Purge(Bytes::Max());
  EXPECT_LE(SaturatingSub(ResidentAnonymous(), before), Bytes::MiB(1));
}

// Sizes without any pattern, the worst case; a training step repeats its sizes.
TEST(BlockCache, RandomTrafficFragmentsLittle) {
  DryRunBacking backing;
  BlockCache cache(backing);
  Traffic traffic(cache, 11);
  for (int round = 0; round < 50; ++round) traffic.Run(1000);
  const BlockCacheStats stats = cache.Read();
  EXPECT_LE(stats.committed.peak, Bytes(stats.in_use.peak.count() / 3 * 4));
}

TEST(BlockCache, FreeNeighboursJoin) {
  DryRunBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  void* const a = cache.Allocate(Bytes::MiB(1) + Bytes::KiB(256), MemoryTag::kOther);
  void* const b = cache.Allocate(Bytes::MiB(1) + Bytes::KiB(256), MemoryTag::kOther);
  void* const c = cache.Allocate(Bytes::MiB(1) + Bytes::KiB(256), MemoryTag::kOther);
  cache.Free(a);
  cache.Free(c);
  cache.Free(b);
  EXPECT_EQ(cache.Allocate(Bytes::KiB(3 * 1280), MemoryTag::kOther), a);
}

TEST(BlockCache, LongLivedSmallBlocksDoNotCutLargeHoles) {
  DryRunBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  for (int i = 0; i < 50; ++i) {
    void* const large = cache.Allocate(Bytes::MiB(3), MemoryTag::kActivations);
    ASSERT_NE(cache.Allocate(Bytes(100), MemoryTag::kWeights), nullptr);
    ASSERT_NE(cache.Allocate(Bytes::KiB(40), MemoryTag::kWeights), nullptr);
    cache.Free(large);
  }
  EXPECT_LE(cache.Read().committed.now, Bytes::MiB(3) + Bytes::KiB(50 * 41) + Bytes::KiB(256));
}

TEST(BlockCache, PurgeGivesFreePagesBackAndKeepsLiveBytes) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(64), "a test", ledger);
  BlockCache cache(backing, &budget, kTiny);
  Traffic traffic(cache, 3);
  traffic.Run(2000);
  for (const auto& [block, size] : traffic.live) std::memset(block, 0x5a, size.count());
  const Bytes committed = cache.Read().committed.now;
  const Bytes given = cache.Purge(Bytes::Max());
  EXPECT_GT(given, Bytes::KiB(64));
  EXPECT_EQ(cache.Read().committed.now, committed - given);
  EXPECT_EQ(budget.used(), cache.Read().committed.now);
  for (const auto& [block, size] : traffic.live) {
    EXPECT_EQ(static_cast<const char*>(block)[0], 0x5a);
    EXPECT_EQ(static_cast<const char*>(block)[size.count() - 1], 0x5a);
  }
  traffic.FreeAll();
  cache.Purge(Bytes::Max());
  EXPECT_EQ(cache.Read().committed.now, Bytes());
  EXPECT_EQ(cache.Read().mapped, Bytes());
  EXPECT_EQ(budget.used(), Bytes());
}

TEST(BlockCache, TheBudgetHoldsAndTheLedgerShowsTheTags) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(8), "a test", ledger);
  BlockCache cache(backing, &budget, kTiny);
  void* const a = cache.Allocate(Bytes::MiB(5), MemoryTag::kActivations);
  EXPECT_EQ(ledger.Read().row(MemoryTag::kActivations).now, Bytes::MiB(5));
  EXPECT_EQ(cache.TryAllocate(Bytes::MiB(4), MemoryTag::kWeights), nullptr);
  EXPECT_EQ(budget.used(), Bytes::MiB(5));
  try {
    static_cast<void>(cache.Allocate(Bytes::MiB(4), MemoryTag::kWeights));
    FAIL();
  } catch (const BudgetError& error) {
    EXPECT_THAT(error.what(), HasSubstr("weights asked for 4.00 MiB"));
    EXPECT_THAT(error.what(), HasSubstr("activations 5.00 MiB"));
  }
  cache.Free(a);
  EXPECT_EQ(ledger.Read().row(MemoryTag::kFreeBlocks).now, Bytes::MiB(5));
  EXPECT_EQ(budget.used(), Bytes::MiB(5));
}

TEST(BlockCache, FreeBlocksAreGivenUpBeforeARequestFails) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(8), "a test", ledger);
  BlockCache cache(backing, &budget, kTiny);
  void* const keep = cache.Allocate(Bytes::MiB(1), MemoryTag::kWeights);
  for (int i = 0; i < 3; ++i) {
    void* const a = cache.Allocate(Bytes::MiB(2), MemoryTag::kActivations);
    void* const b = cache.Allocate(Bytes::MiB(4), MemoryTag::kActivations);
    cache.Free(a);
    cache.Free(b);
    // Neither hole holds it; another part of the run may also take what lies free.
    void* const c = cache.Allocate(Bytes::MiB(7), MemoryTag::kActivations);
    cache.Free(c);
    EXPECT_TRUE(budget.TryCharge(MemoryTag::kImageCache, Bytes::MiB(6)));
    budget.Release(MemoryTag::kImageCache, Bytes::MiB(6));
  }
  cache.Free(keep);
}

TEST(BlockCache, EveryFailedAllocationLeavesNothingBehind) {
  DryRunBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(64), "a test", ledger);
  BlockCache cache(backing, &budget, kTiny);
  const auto step = [&cache] {
    std::vector<void*> blocks;
    bool done = true;
    for (const std::uint64_t kib : {1, 70, 3000, 2, 900, 1500}) {
      blocks.push_back(cache.TryAllocate(Bytes::KiB(kib), MemoryTag::kActivations));
      if (blocks.back() == nullptr) done = false;
      if (!done) break;
    }
    for (void* block : blocks) cache.Free(block);
    return done;
  };
  for (std::uint64_t k = 1; k <= 6; ++k) {
    cache.FailAfter(k);
    EXPECT_FALSE(step());
    EXPECT_EQ(cache.Read().in_use.now, Bytes());
    EXPECT_TRUE(step()) << "it fails once only";
  }
  cache.FailAfter(7);
  EXPECT_TRUE(step());
  cache.FailAfter(1);
  EXPECT_THROW(static_cast<void>(cache.Allocate(Bytes(8), MemoryTag::kOther)), BudgetError);
}

TEST(BlockCache, AForeignOrDoublyFreedPointerIsABug) {
  DryRunBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  void* const small = cache.Allocate(Bytes(100), MemoryTag::kOther);
  void* const large = cache.Allocate(Bytes::MiB(2), MemoryTag::kOther);
  int mine = 0;
  EXPECT_THROW(cache.Free(&mine), InternalError);
  EXPECT_THROW(cache.Free(static_cast<std::byte*>(small) + 64), InternalError);
  cache.Free(small);
  cache.Free(large);
  EXPECT_THROW(cache.Free(small), InternalError);
  EXPECT_THROW(cache.Free(large), InternalError);
  cache.Free(nullptr);
}

TEST(BlockCache, AbsurdSizesAreRefused) {
  MmapBacking backing;
  BlockCache cache(backing, nullptr, kTiny);
  EXPECT_EQ(cache.TryAllocate(Bytes(UINT64_MAX), MemoryTag::kOther), nullptr);
  EXPECT_EQ(cache.TryAllocate(Bytes(UINT64_MAX / 2), MemoryTag::kOther), nullptr);
  EXPECT_THROW(static_cast<void>(cache.Allocate(Bytes(UINT64_MAX), MemoryTag::kOther)),
               BudgetError);
  EXPECT_EQ(cache.TryAllocate(Bytes(), MemoryTag::kOther), nullptr);
}

TEST(BlockCache, ThreadsKeepTheBudgetAndNeverShareABlock) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(48), "a test", ledger);
  BlockCache cache(backing, &budget, kTiny);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &budget, t] {
      Traffic traffic(cache, static_cast<std::uint64_t>(t + 1));
      for (int round = 0; round < 60; ++round) {
        traffic.Run(40);
        for (const auto& [block, size] : traffic.live) {
          std::memset(block, t + 1, std::min<std::size_t>(size.count(), 4096));
        }
        std::this_thread::yield();
        for (const auto& [block, size] : traffic.live)
          EXPECT_EQ(static_cast<const char*>(block)[0], t + 1);
        EXPECT_LE(budget.used(), budget.limit());
        if (round % 16 == 15) cache.Purge(Bytes::MiB(2));
      }
      traffic.FreeAll();
    });
  }
  threads.clear();
  EXPECT_EQ(cache.Read().in_use.now, Bytes());
  EXPECT_LE(ledger.Read().total().peak, Bytes::MiB(48));
  EXPECT_EQ(ledger.Read().row(MemoryTag::kFreeBlocks).now, cache.Read().committed.now);
  cache.Purge(Bytes::Max());
  EXPECT_EQ(budget.used(), Bytes());
}

TEST(BlockCache, ItsEndReleasesWhatItCharged) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(48), "a test", ledger);
  {
    BlockCache cache(backing, &budget, kTiny);
    cache.Free(cache.Allocate(Bytes::MiB(2), MemoryTag::kLoss));
    static_cast<void>(cache.Allocate(Bytes::MiB(4), MemoryTag::kWeights));
  }
  EXPECT_EQ(budget.used(), Bytes());
  EXPECT_EQ(ledger.Read().row(MemoryTag::kWeights).now, Bytes());
}

}  // namespace
}  // namespace headroom
