// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/monitor/death_report.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace headroom {

// The last-state page of a run: of the folder itself, or (an empty path) of the newest run in the
// project's folder. Throws ConfigError that says what was looked for, and how `command` ("yolo
// monitor") is told a folder.
[[nodiscard]] std::filesystem::path FindPage(const std::filesystem::path& run,
                                             const Settings& settings, std::string_view command);

// What the run before left in this project when it did not end by itself; nothing to say when it
// did. `folder`: that run alone (a resume).
[[nodiscard]] std::optional<DeathReport> ExplainLastRun(const Options& options,
                                                        const Settings& settings,
                                                        const std::filesystem::path& folder);

// Returns when the run in the folder is over. Throws ConfigError while it lives (run_liveness.h).
void AwaitEndOfRunIn(const std::filesystem::path& folder);

// What a run that goes on in the folder plans within at most: after a kill for memory, or as a page
// says that was left after an earlier one; memory= on this command line lifts an earlier one's.
[[nodiscard]] std::optional<Bytes> FindCutBudget(const Options& options,
                                                 const std::filesystem::path& folder);

}  // namespace headroom
