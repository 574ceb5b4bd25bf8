// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/cgroup.h"

#include <optional>
#include <string>
#include <string_view>

namespace headroom {

// Threads that a computation should use, and who says so.
struct UsableCores {
  int count = 1;
  std::string origin;
};

// OMP_NUM_THREADS where it is set, else the smaller of the affinity mask and the cgroup's quota (of
// 2.5 cores two are used: a third thread would be stopped in the middle of each step).
[[nodiscard]] UsableCores FindUsableCores(int affinity, const std::optional<CpuQuota>& quota,
                                          std::optional<std::string_view> omp_num_threads);
// The same for this process.
[[nodiscard]] UsableCores FindUsableCores(const SystemRoot& root = {});

}  // namespace headroom
