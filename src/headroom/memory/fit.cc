// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/fit.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {

std::string ExplainUnfit(const MemoryPlan& smallest, const PlanLimits& limits) {
  std::string text;
  for (std::size_t i = 0; i < kMemoryPlaceCount; ++i) {
    const auto place = static_cast<MemoryPlace>(i);
    const Bytes peak = smallest.Peak(place);
    if (peak <= limits[i].bytes) continue;
    const MemoryNeed need = smallest.Need(smallest.PeakPhase(place));
    std::vector<std::pair<Bytes, std::string_view>> rows;
    for (std::size_t t = 0; t < kMemoryTagCount; ++t) {
      const auto tag = static_cast<MemoryTag>(t);
      rows.emplace_back(need.row(tag, place).bytes, Name(tag));
    }
    std::sort(rows.rbegin(), rows.rend());
    text += fmt::format(
        "{}even the smallest settings need {} of {} memory ({} {}, {} {}), {} above the limit of "
        "{} ({}). "
        "Raise it with {}={} or more, or use a smaller imgsz= or model",
        text.empty() ? "" : "; ", ToString(peak), Name(place), rows[0].second,
        ToString(rows[0].first), rows[1].second, ToString(rows[1].first),
        ToString(peak - limits[i].bytes), ToString(limits[i].bytes), limits[i].origin,
        place == MemoryPlace::kHost ? "memory" : "vram",
        // Rounded up to what ParseBytes reads back as at least the need.
        fmt::format("{}M", (peak.count() + (1 << 20) - 1) >> 20));
  }
  return text;
}

std::int64_t LargestFitting(std::int64_t cap, const std::function<bool(std::int64_t)>& fits) {
  // The cap first: it is the answer more often than not.
  if (cap >= 1 && fits(cap)) return cap;
  std::int64_t good = 0;
  std::int64_t bad = std::max<std::int64_t>(cap, 1);
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace headroom
