// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/ledger.h"

#include <memory>

namespace headroom {

// What a command that computes sets up once: the budget, the allocator behind LibTorch, the
// threads. Lives as long as the process, since the allocator refers to the budget.
[[nodiscard]] Budget& SetUpProcess(const Options& options);

}  // namespace headroom
