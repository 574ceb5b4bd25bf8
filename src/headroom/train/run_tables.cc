// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_tables.h"

#include "headroom/core/strings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

namespace headroom {
namespace {

constexpr double kMega = 1 << 20;

double NumberOf(std::string_view cell) {
  const std::string text(Trim(cell));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return text.empty() || *end != '\0' ? std::numeric_limits<double>::quiet_NaN() : value;
}

std::vector<double> InBytes(std::vector<double> megabytes) {
  for (double& value : megabytes) value = std::isfinite(value) ? value * kMega : 0;
  return megabytes;
}

// "mosaic_pool_mb" -> "mosaic pool".
std::string ConsumerName(std::string column) {
  column.resize(column.size() - 3);
  std::replace(column.begin(), column.end(), '_', ' ');
  return column;
}

// Each process of a resumed run begins at 0: the seconds go on from where the one before stood.
// Returns where the last one began.
double JoinProcesses(std::vector<double>& seconds) {
  double begin = 0;
  double last = 0;
  for (double& second : seconds) {
    if (second < last) begin += last;
    last = second;
    second += begin;
  }
  return begin;
}

}  // namespace

std::vector<double> NumberTable::Column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return {};
  const auto index = static_cast<std::size_t>(found - columns.begin());
  std::vector<double> values;
  for (const std::vector<double>& row : rows) {
    values.push_back(index < row.size() ? row[index] : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

NumberTable ReadNumberTable(const std::filesystem::path& path) {
  NumberTable table;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (Trim(line).empty()) continue;
    if (table.columns.empty()) {
      for (const std::string_view cell : Split(line, ',')) table.columns.emplace_back(Trim(cell));
      continue;
    }
    std::vector<double>& row = table.rows.emplace_back();
    for (const std::string_view cell : Split(line, ',')) row.push_back(NumberOf(cell));
  }
  return table;
}

MemoryTimeline TimelineOf(const NumberTable& memory_csv, const RunHistory& history) {
  MemoryTimeline timeline;
  timeline.seconds = memory_csv.Column("time_s");
  history.MarkIn(timeline, JoinProcesses(timeline.seconds));
  timeline.host.title = "Host memory";
  // The tags' columns come last, from the first tag on.
  const auto first = std::find(memory_csv.columns.begin(), memory_csv.columns.end(), "other_mb");
  for (auto column = first; column != memory_csv.columns.end(); ++column) {
    std::vector<double> bytes = InBytes(memory_csv.Column(*column));
    if (std::all_of(bytes.begin(), bytes.end(), [](double b) { return b <= 0; })) continue;
    timeline.host.consumers.push_back({ConsumerName(*column), std::move(bytes)});
  }
  timeline.host.held = InBytes(memory_csv.Column("rss_mb"));
  timeline.host.limit = InBytes(memory_csv.Column("budget_mb"));
  const std::vector<double> gpu = InBytes(memory_csv.Column("gpu_used_mb"));
  if (std::any_of(gpu.begin(), gpu.end(), [](double b) { return b > 0; })) {
    timeline.device = MemoryPanel{.title = "GPU memory", .consumers = {{"in use", gpu}}};
  }
  return timeline;
}

}  // namespace headroom
