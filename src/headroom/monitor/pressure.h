// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/cgroup.h"

#include <optional>
#include <string_view>
#include <vector>

namespace headroom {

// Memory pressure (PSI): percent of the last 10 s in which some, or all, tasks waited for memory.
struct Pressure {
  double some_avg10 = 0;
  double full_avg10 = 0;
};

// nullopt for a text without a "some" line.
[[nodiscard]] std::optional<Pressure> ParsePressure(std::string_view text);

// /proc/pressure/memory and memory.pressure of the process's groups; the worst of them. Kernels
// without PSI, and v1 groups, have none. Reading allocates nothing.
class PressureReader {
 public:
  PressureReader(const SystemRoot& root, const CgroupMembership& groups);
  [[nodiscard]] std::optional<Pressure> Read();

 private:
  std::vector<PolledFile> files_;
  char buffer_[512];
};

}  // namespace headroom
