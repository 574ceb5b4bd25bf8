// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/fit.h"

#include "headroom/memory/amount_to_type.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

// "activations 200 MiB, weights 20 MiB": the two largest of the phase that needs most.
std::string LargestRows(const MemoryPlan& plan, MemoryPlace place) {
  const MemoryNeed need = plan.Need(plan.PeakPhase(place));
  std::vector<std::pair<Bytes, std::string_view>> rows;
  for (std::size_t t = 0; t < kMemoryTagCount; ++t) {
    const auto tag = static_cast<MemoryTag>(t);
    rows.emplace_back(need.row(tag, place).bytes, Name(tag));
  }
  std::sort(rows.rbegin(), rows.rend());
  return fmt::format("{} {}, {} {}", rows[0].second, ToString(rows[0].first), rows[1].second,
                     ToString(rows[1].first));
}

// What the user can do about it.
std::string Way(Bytes peak, MemoryPlace place, const LimitRaise& raise) {
  const char* option = place == MemoryPlace::kHost ? "memory" : "vram";
  if (peak > raise.ceiling) {
    return fmt::format(
        "{}= cannot give more than there is: {} ({}). Raise that, or use a smaller imgsz= or "
        "model",
        option, ToString(raise.ceiling), raise.origin);
  }
  const auto typed =
      Bytes(static_cast<std::uint64_t>(static_cast<double>(peak.count()) / raise.share));
  return fmt::format("Raise it with {}={} or more, or use a smaller imgsz= or model", option,
                     AmountToType(typed));
}

}  // namespace

std::string ExplainUnfit(const MemoryPlan& smallest, const PlanLimits& limits,
                         const LimitRaises& raises) {
  std::string text;
  for (std::size_t i = 0; i < kMemoryPlaceCount; ++i) {
    const auto place = static_cast<MemoryPlace>(i);
    const Bytes peak = smallest.Peak(place);
    if (peak <= limits[i].bytes) continue;
    text += fmt::format(
        "{}even the smallest settings need {} of {} memory ({}), {} above the limit of {} ({}). {}",
        text.empty() ? "" : "; ", ToString(peak), Name(place), LargestRows(smallest, place),
        ToString(peak - limits[i].bytes), ToString(limits[i].bytes), limits[i].origin,
        Way(peak, place, raises[i]));
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
