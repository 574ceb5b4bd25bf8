// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/process_setup.h"

#include "headroom/core/error.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/usable_cores.h"
#include "headroom/ops/cpu_allocator.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>

namespace headroom {

Budget& SetUpProcess(const Options& options) {
  // STL, OpenCV and oneDNN use malloc: few arenas, large blocks back to the system at once.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 22);
  const EffectiveLimit limit = FindEffectiveLimit();
  Result<MemoryLimit> budget = BudgetFromOption(options.memory, limit.smallest, "memory");
  if (!budget) throw ConfigError(budget.error());
  // Never destroyed: the allocator charges it until the process ends.
  static Ledger& ledger = *new Ledger;  // NOLINT(cppcoreguidelines-owning-memory): see above
  static Budget& host = *new Budget(MemoryPlace::kHost, budget->bytes, budget->origin,
                                    ledger);  // NOLINT(cppcoreguidelines-owning-memory): see above
  (void)InstallCpuAllocator(host);
  at::set_num_threads(FindUsableCores().count);
  at::globalContext().setDeterministicAlgorithms(true, true);
  // Else every at::empty is filled with NaN: a pass over each result of a convolution.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  return host;
}

}  // namespace headroom
