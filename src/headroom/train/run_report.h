// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/memory_need.h"
#include "headroom/plot/figure.h"
#include "headroom/train/observer.h"
#include "headroom/train/run_history.h"

#include <string>
#include <vector>

namespace headroom {

// Writes report.html from what the run's folder holds (results.csv, memory.csv, memory_plan.json,
// headroom.yaml, the drawn pictures), the acts of adaptation, and charts of the caller's beside
// those of results and memory. Throws WriteError.
void WriteRunReport(const RunStart& run, const RunHistory& history,
                    const std::string& memory_summary, const std::vector<Figure>& charts);

// What WriteRunReport holds: the pictures, the tables, a page of it.
[[nodiscard]] MemoryNeed EstimateRunReportMemory(const RunStart& run);

}  // namespace headroom
