// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/ledger.h"
#include "headroom/ops/cpu_allocator.h"

namespace headroom::testing {

// The allocator under this test program's tensors and its budget: either can refuse its k-th
// request (FailAfter). Installed by the first call.
inline Budget& FailingBudget() {
  static Ledger& ledger = *new Ledger;
  static Budget& budget = *new Budget(MemoryPlace::kHost, Bytes::GiB(16), "a test", ledger);
  return budget;
}

inline BlockCache& FailingCache() {
  static BlockCache& cache = InstallCpuAllocator(FailingBudget());
  return cache;
}

}  // namespace headroom::testing
