// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/memory_chart.h"
#include "headroom/train/run_history.h"

#include <filesystem>
#include <string>
#include <vector>

namespace headroom {

// A CSV file of numbers with a header. Empty cells and words are NaN; a missing file has no rows.
struct NumberTable {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;

  // Values of a column; empty where there is none of that name.
  [[nodiscard]] std::vector<double> Column(const std::string& name) const;
};
[[nodiscard]] NumberTable ReadNumberTable(const std::filesystem::path& path);

// The run's memory over time, from memory.csv: consumers that ever held something, the rest of what
// is resident, the limit of now, and the GPU where there is one, with the phases and adaptations of
// this process. A resumed run goes on where the one before stood.
[[nodiscard]] MemoryTimeline TimelineOf(const NumberTable& memory_csv, const RunHistory& history);

}  // namespace headroom
