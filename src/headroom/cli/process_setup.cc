// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/process_setup.h"

#include "headroom/core/error.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/usable_cores.h"
#include "headroom/ops/cpu_allocator.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>

#include <chrono>
#include <filesystem>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

namespace headroom {
namespace {

// Of a thread where its address space counts. LibTorch's own are content with less.
constexpr std::size_t kSmallStack = 2 << 20;
constexpr Bytes kSmallSegment = Bytes::MiB(8);

// ulimit -v and -d take what is mapped for what is held.
bool MappedCounts() {
  const ResourceLimits limits = ReadResourceLimits();
  return limits.address_space != Bytes::Max() || limits.data != Bytes::Max();
}

void UseSmallStacks() {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  if (::pthread_attr_setstacksize(&attributes, kSmallStack) == 0)
    static_cast<void>(::pthread_setattr_default_np(&attributes));
  ::pthread_attr_destroy(&attributes);
}

std::size_t ThreadsNow() {
  std::error_code unknown;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/task", unknown), end;
       !unknown && it != end; it.increment(unknown))
    ++count;
  return count;
}

// A thread that has been joined counts in the system's limits until the kernel has let it go.
void AwaitThreads(std::size_t count) {
  constexpr int kMostMilliseconds = 1000;
  for (int i = 0; i < kMostMilliseconds && ThreadsNow() > count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Whether so many threads can compute beside this one. Throws BudgetError.
void TryThreads(int count) {
  // LibTorch fills a pool of its own beside OpenMP's.
  constexpr int kPools = 2;
  std::vector<std::jthread> threads;
  std::latch end(1);
  try {
    for (int i = 0; i < kPools * count; ++i) threads.emplace_back([&end] { end.wait(); });
  } catch (const std::system_error& error) {
    end.count_down();
    const std::size_t few = threads.size() / kPools + 1;
    throw BudgetError(fmt::format(
        "{} threads are to compute, but the system starts only so many that {} can ({}): see "
        "ulimit -u and the group's pids.max; ulimit -v and -d count their stacks. "
        "OMP_NUM_THREADS={} uses fewer",
        count + 1, few, error.what(), few));
  }
  end.count_down();
}

// Now, while a thread that is refused is an error: OpenMP ends the process where it cannot start
// one. Their stacks count in the limit that is found afterwards.
void StartThreads(int count) {
  const std::size_t before = ThreadsNow();
  TryThreads(count - 1);
  AwaitThreads(before);
  at::set_num_threads(count);
  at::parallel_for(0, count, 1, [](std::int64_t, std::int64_t) {});
}

}  // namespace

Budget& SetUpProcess(const Options& options) {
  // STL, OpenCV and oneDNN use malloc: few arenas, large blocks back to the system at once.
  // NOLINTBEGIN(concurrency-mt-unsafe): before there are threads
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 22);
  // NOLINTEND(concurrency-mt-unsafe)
  const bool mapped_counts = MappedCounts();
  if (mapped_counts) UseSmallStacks();
  StartThreads(FindUsableCores().count);
  const EffectiveLimit limit = FindEffectiveLimit();
  Result<MemoryLimit> budget = BudgetFromOption(options.memory, limit.smallest, "memory");
  if (!budget) throw ConfigError(budget.error());
  // Never destroyed: the allocator charges it until the process ends.
  // NOLINTBEGIN(cppcoreguidelines-owning-memory): see above
  static Ledger& ledger = *new Ledger;
  static Budget& host = *new Budget(MemoryPlace::kHost, budget->bytes, budget->origin, ledger);
  // NOLINTEND(cppcoreguidelines-owning-memory)
  BlockCacheOptions blocks;
  if (mapped_counts) blocks.segment = kSmallSegment;
  (void)InstallCpuAllocator(host, blocks);
  at::globalContext().setDeterministicAlgorithms(true, true);
  // Else every at::empty is filled with NaN: a pass over each result of a convolution.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  return host;
}

}  // namespace headroom
