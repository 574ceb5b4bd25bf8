// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/monitor/gpu_memory.h"

#include <optional>
#include <string_view>

namespace headroom {

// The rest is the driver's own, and what the desktop may take.
inline constexpr double kDefaultDeviceFraction = 0.85;

// What a run may hold on the device: the option `vram=` (as memory= is written) of what the driver
// reports as free now, whoever holds the rest; unset: 85 % of it. Failure: the driver's error, or
// what is wrong with the option.
[[nodiscard]] Result<MemoryLimit> DeviceBudget(GpuMemory& gpu, int device,
                                               std::optional<std::string_view> vram);

}  // namespace headroom
