// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/report.h"
#include "headroom/train/observer.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// Writes report.html from what the run's folder holds (results.csv, memory.csv, memory_plan.json,
// the drawn pictures) and the acts of adaptation, with the seconds of the run at which they
// happened. Throws WriteError.
void WriteRunReport(const RunStart& run, const std::string& memory_summary,
                    const std::vector<std::pair<double, std::string>>& acts);

}  // namespace headroom
