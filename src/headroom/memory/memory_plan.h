// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/memory_tag.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

// What the run does, as far as memory is concerned; one at a time.
// kEnd: the best weights are validated, pictures and charts drawn, checkpoints stripped; training's
// loader and activations are gone by then.
enum class PlanPhase : std::uint8_t { kSetup, kTrainStep, kValidation, kSave, kEnd };
inline constexpr std::size_t kPlanPhaseCount = static_cast<std::size_t>(PlanPhase::kEnd) + 1;
[[nodiscard]] std::string_view Name(PlanPhase phase);

using PhaseBytes = std::array<Bytes, kPlanPhaseCount>;  // By PlanPhase.

// The limit of one place, as the plan prints it.
struct PlanLimit {
  Bytes bytes = Bytes::Max();  // Max: no limit is known.
  std::string origin;
};
using PlanLimits = std::array<PlanLimit, kMemoryPlaceCount>;  // By MemoryPlace.

// The ledger predicted: named parts and the phases that hold them. Parts of one phase are held
// together and add; phases follow one another and the largest counts. Has no formula of its own.
class MemoryPlan {
 public:
  struct Part {
    std::string name;
    std::array<bool, kPlanPhaseCount> phases;
    MemoryNeed need;
  };

  MemoryPlan& Add(std::string name, std::initializer_list<PlanPhase> phases,
                  const MemoryNeed& need);
  // Held from the setup to the end.
  MemoryPlan& AddThroughout(std::string name, const MemoryNeed& need);

  [[nodiscard]] MemoryNeed Need(PlanPhase phase) const;
  [[nodiscard]] Bytes Peak(MemoryPlace place) const;
  [[nodiscard]] PhaseBytes Totals(MemoryPlace place) const;
  // The first phase that reaches the peak.
  [[nodiscard]] PlanPhase PeakPhase(MemoryPlace place) const;
  // By how much the peak is above the limit, the larger of both places; 0 when it fits.
  [[nodiscard]] Bytes Excess(const PlanLimits& limits) const;
  [[nodiscard]] bool Fits(const PlanLimits& limits) const { return Excess(limits) == Bytes(); }
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

 private:
  std::vector<Part> parts_;
};

// A row per consumer, a column per phase, '~' before a figure that was measured here and '?' before
// one that is assumed; then the peak and the limit. The device's table only where something is on
// it.
[[nodiscard]] std::string FormatPlan(const MemoryPlan& plan, const PlanLimits& limits);
// The content of memory_plan.json: places with peak, limit and phases by tag; parts with their
// needs.
[[nodiscard]] std::string PlanToJson(const MemoryPlan& plan, const PlanLimits& limits);

}  // namespace headroom
