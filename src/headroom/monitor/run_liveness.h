// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/monitor/resource_monitor.h"
#include "headroom/monitor/run_fate.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace headroom {

enum class RunLiveness : std::uint8_t {
  kOver,
  kAlive,    // Its process is there.
  kUnknown,  // Its process cannot be seen from here, and its page was written a moment ago.
};
[[nodiscard]] RunLiveness FindLiveness(const LastState& last, const PresentSystem& present);

// Returns when the run of this page is over, for who goes on in its folder: two trainers would
// write the same files. Where its process cannot be seen (another container or host) the page is
// watched for 30 s, which `tell` is told. Throws ConfigError, which says what to do, when the run
// lives. A page that is absent or cannot be read says nothing against going on.
void AwaitEndOfRun(const std::filesystem::path& page, MonitorClock& clock,
                   const std::function<void(const std::string&)>& tell,
                   const SystemRoot& root = {});

}  // namespace headroom
