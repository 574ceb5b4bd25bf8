// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/memory_plan.h"
#include "headroom/memory/reclaimable.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// One way to need less, at some cost to the user. A ladder of them is searched in its given order,
// that of least harm.
template <typename Settings>
struct FitStep {
  ReclaimOrder order;
  // Makes the settings need less (excess is by how much the plan is above its limit) and says what
  // it did ("image cache 4.00 GiB -> 1.20 GiB"); nullopt, with the settings unchanged, when nothing
  // is left to give. Called until it says so: each call must come nearer to that.
  std::function<std::optional<std::string>(Settings&, Bytes excess)> reduce;
};

template <typename Settings>
struct FitOutcome {
  bool fits = false;
  Settings settings;               // The first that fit, or the smallest that was tried.
  MemoryPlan plan;                 // Of these settings.
  std::vector<std::string> taken;  // Every step taken, in order, for the log.
  Bytes excess;  // What is missing when nothing fits: the limit would have to rise by it.
};

// Takes steps until the plan is within the limits. Settings are copied; plan(settings) is called
// once a step. Throws what the callbacks throw.
template <typename Settings>
[[nodiscard]] FitOutcome<Settings> Fit(Settings settings, std::span<const FitStep<Settings>> ladder,
                                       const std::function<MemoryPlan(const Settings&)>& plan,
                                       const PlanLimits& limits) {
  FitOutcome<Settings> outcome{false, std::move(settings), {}, {}, {}};
  const auto try_it = [&] {
    outcome.plan = plan(outcome.settings);
    outcome.excess = outcome.plan.Excess(limits);
    return outcome.fits = outcome.excess == Bytes();
  };
  if (try_it()) return outcome;
  for (const FitStep<Settings>& step : ladder) {
    while (std::optional<std::string> what = step.reduce(outcome.settings, outcome.excess)) {
      outcome.taken.push_back(std::move(*what));
      if (try_it()) return outcome;
    }
  }
  return outcome;
}

// How the user can raise the limit of one place.
struct LimitRaise {
  Bytes ceiling = Bytes::Max();  // No option gives more than this; Max: not known.
  std::string origin;  // Where the ceiling comes from: "memory.max of /sys/fs/cgroup/job".
  double share = 1;    // Of the amount that is typed, what becomes the limit.
};
using LimitRaises = std::array<LimitRaise, kMemoryPlaceCount>;  // By MemoryPlace.

// For the user when nothing fits: what is needed, the limit, its origin, and the option that raises
// it or, where none does, what stands in the way.
[[nodiscard]] std::string ExplainUnfit(const MemoryPlan& smallest, const PlanLimits& limits,
                                       const LimitRaises& raises = {});

// The largest n in [1, cap] for which fits(n) holds; 0 when not even 1 does. fits must be monotone
// (true up to some n, false above); it is called O(log cap) times, and was true for the result.
[[nodiscard]] std::int64_t LargestFitting(std::int64_t cap,
                                          const std::function<bool(std::int64_t)>& fits);

}  // namespace headroom
