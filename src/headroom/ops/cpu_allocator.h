// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/block_cache.h"

namespace headroom {

// Makes every CPU tensor of LibTorch lie in blocks of ours: counted by tag, bounded by the budget,
// kept from step to step (page faults cost 20-40 % of a training step otherwise). Results of
// convolutions lie where a PlacementScope says. Call once, before the first tensor; the budget must
// live as long as the process. The allocator is never destroyed. Thread-safe.
BlockCache& InstallCpuAllocator(Budget& budget, const BlockCacheOptions& options = {});

}  // namespace headroom
