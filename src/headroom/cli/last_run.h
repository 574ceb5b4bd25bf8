// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/monitor/death_report.h"

#include <filesystem>
#include <optional>

namespace headroom {

// The last-state page of a run: of the folder itself, or (an empty path) of the newest run in the
// project's folder. Throws ConfigError that says what was looked for.
[[nodiscard]] std::filesystem::path FindPage(const std::filesystem::path& run,
                                             const Settings& settings);

// What the run before left in this project when it did not end by itself; nothing to say when it
// did. `folder`: that run alone (a resume).
[[nodiscard]] std::optional<DeathReport> ExplainLastRun(const Options& options,
                                                        const Settings& settings,
                                                        const std::filesystem::path& folder);

}  // namespace headroom
