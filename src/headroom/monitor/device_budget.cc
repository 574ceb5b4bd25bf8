// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/device_budget.h"

#include <fmt/format.h>

namespace headroom {

Result<MemoryLimit> DeviceBudget(GpuMemory& gpu, int device, std::optional<std::string_view> vram) {
  const Result<GpuSample> now = gpu.Read(device);
  if (!now) return Failure{now.error()};
  const MemoryLimit free{
      now->free, fmt::format("what the driver reports as free on {} ({} of {})",
                             gpu.DeviceName(device), ToString(now->free), ToString(now->total))};
  return BudgetFromOption(vram, free, "vram", kDefaultDeviceFraction);
}

}  // namespace headroom
