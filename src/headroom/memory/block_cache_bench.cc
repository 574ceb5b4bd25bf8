// SPDX-License-Identifier: Apache-2.0
// The allocator's cost per call, beside malloc's. Every block is touched once a page, since that is
// what malloc's habit of returning large blocks costs.
#include "headroom/memory/block_cache.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace headroom {
namespace {

void Touch(void* block, std::size_t size) {
  for (std::size_t i = 0; i < size; i += 4096) static_cast<volatile char*>(block)[i] = 1;
}

void BM_BlockCache(benchmark::State& state) {
  MmapBacking backing;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(1), "a benchmark", ledger);
  BlockCache cache(backing, &budget);
  const auto size = static_cast<std::uint64_t>(state.range(0));
  const bool touch = state.range(1) != 0;
  for (auto _ : state) {
    void* const a = cache.Allocate(Bytes(size), MemoryTag::kActivations);
    void* const b = cache.Allocate(Bytes(size), MemoryTag::kActivations);
    if (touch) Touch(a, size);
    cache.Free(a);
    cache.Free(b);
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(BM_BlockCache)
    ->ArgsProduct({{256, 100 << 10, 8 << 20}, {0, 1}})
    ->ArgNames({"bytes", "touch"});

void BM_Malloc(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const bool touch = state.range(1) != 0;
  for (auto _ : state) {
    void* const a = std::aligned_alloc(64, size);
    void* const b = std::aligned_alloc(64, size);
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    if (touch) Touch(a, size);
    std::free(a);
    std::free(b);
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(BM_Malloc)
    ->ArgsProduct({{256, 100 << 10, 8 << 20}, {0, 1}})
    ->ArgNames({"bytes", "touch"});

// What a plan costs: a step's requests on sizes only.
void BM_DryRunStep(benchmark::State& state) {
  DryRunBacking backing;
  for (auto _ : state) {
    BlockCache cache(backing);
    std::array<void*, 500> blocks;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = cache.Allocate(Bytes(1000 + i * i * 97), MemoryTag::kActivations);
    }
    for (void* block : blocks) cache.Free(block);
  }
  state.SetItemsProcessed(state.iterations() * 500);
}
BENCHMARK(BM_DryRunStep);

}  // namespace
}  // namespace headroom
