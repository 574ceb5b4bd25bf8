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

// /proc/pressure/memory and memory.pressure of a process's groups. Kernels without PSI, and v1
// groups, have none. Reading allocates nothing.
class PressureReader {
 public:
  PressureReader(const SystemRoot& root, const CgroupMembership& groups);
  // The worst of what says something of this process's memory: its innermost group, the groups
  // from there up to the one that limits (`groups_up_to` in all), and the host only where the host
  // limits: what other groups wait for within limits of their own shows in the host's figure, too.
  [[nodiscard]] std::optional<Pressure> Concerning(std::size_t groups_up_to, bool host_limits);

 private:
  PolledFile host_;
  std::vector<PolledFile> groups_;  // Innermost first, without one where there is no file.
  char buffer_[512];
};

}  // namespace headroom
