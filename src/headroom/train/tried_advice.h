// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/error.h"
#include "headroom/memory/memory_plan.h"
#include "headroom/train/training_setup.h"

#include <optional>

namespace headroom {

// For a training that does not fit its budget on the host: what a larger one would have to be. What
// is measured depends on the budget (more images fit, more kernels are made), so everything is
// measured and planned again with larger ones, up to what the machine has, until the smallest plan
// fits the one that it was made with: that plan. Nothing where no plan could be made. The budget is
// as before; what was measured stays. A second or two for each try.
[[nodiscard]] std::optional<MemoryPlan> TrySmallestPlan(TrainingSetup& setup);

// Throws BudgetError with an amount for memory= that was tried so, or why none helps; on a device
// `refusal` itself.
[[noreturn]] void RefuseTraining(TrainingSetup& setup, const BudgetError& refusal);

}  // namespace headroom
