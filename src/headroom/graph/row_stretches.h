// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace headroom {

// Cuts [0, count) into one stretch a thread, the same for every call with as many threads, and runs
// them at the same time; sums are added in the order of the stretches. The first argument numbers
// the stretch. An exception of any is rethrown.
void ForEachStretch(std::int64_t count, const std::function<void(std::size_t, IndexRange)>& run);

// How many stretches that makes.
[[nodiscard]] std::int64_t StretchCount(std::int64_t count);

}  // namespace headroom
