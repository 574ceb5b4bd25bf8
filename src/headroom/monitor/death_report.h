// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/last_state.h"
#include "headroom/monitor/run_fate.h"

#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

struct DeathReport {
  RunFate fate = RunFate::kRunning;
  // First what happened, and how sure that is, then when, what was held by whom, the limit, what
  // will be changed.
  std::vector<std::string> lines;
  // What `resume` plans with: after a kill for memory, this one or one before it.
  KillLesson lesson;

  [[nodiscard]] std::string Text() const;
};
[[nodiscard]] DeathReport ExplainDeath(const LastState& last, const PresentSystem& present);

// Pages of the runs below a project's folder (one level), newest first.
[[nodiscard]] std::vector<std::filesystem::path> FindLastStates(
    const std::filesystem::path& project);

}  // namespace headroom
