// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/give_way.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

// Enough for every rung of the ladder; more would mean that others charge as fast as we free.
constexpr int kMostRounds = 16;

}  // namespace

GaveWay GiveWay(Budget& budget, const PressureAdvice& advice, Bytes planned) {
  const Bytes before = budget.limit();
  const Bytes used = budget.used();
  const char* change = advice.kind == PressureAdvice::Kind::kGrow ? "grown" : "cut";
  budget.SetLimit(advice.budget, fmt::format("{} in mid-run: {}", change, advice.reason));
  GaveWay result;
  // Held by us in all, or charged above the new limit: whichever is more has to go.
  if (advice.kind == PressureAdvice::Kind::kGiveBack)
    result.wanted = std::max(advice.give_back, SaturatingSub(used, advice.budget));
  for (int round = 0; round < kMostRounds && result.given < result.wanted; ++round) {
    const Bytes released = budget.Reclaim(result.wanted - result.given, ReclaimTime::kNow);
    result.given = SaturatingSub(used, budget.used());
    if (released == Bytes()) break;
  }
  if (result.wanted == Bytes() && std::min(before, advice.budget) >= planned) return result;
  result.line = fmt::format("Memory: {}; budget {} -> {}", advice.reason, ToString(before),
                            ToString(advice.budget));
  if (result.wanted > Bytes()) {
    result.line +=
        fmt::format(", gave back {} of {}", ToString(result.given), ToString(result.wanted));
  }
  result.line += ".";
  return result;
}

}  // namespace headroom
