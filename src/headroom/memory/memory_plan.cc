// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/memory_plan.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace headroom {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<PlanPhase, kPlanPhaseCount> kPhases = {
    PlanPhase::kSetup, PlanPhase::kTrainStep, PlanPhase::kValidation, PlanPhase::kSave,
    PlanPhase::kEnd};

std::string Figure(const MemoryNeed::Row& row) {
  if (row.bytes == Bytes()) return "-";
  static constexpr std::array<const char*, 3> kMarks = {"", "~", "?"};
  return fmt::format("{}{}", kMarks[static_cast<std::size_t>(row.basis)], ToString(row.bytes));
}

using Cells = std::array<std::string, kPlanPhaseCount>;

std::string TableLine(std::string_view name, const Cells& cells) {
  std::string line = fmt::format("{:<13}", name);
  for (const std::string& cell : cells) line += fmt::format(" {:>11}", cell);
  return line + "\n";
}

std::string FormatPlace(const MemoryPlan& plan, MemoryPlace place, const PlanLimit& limit) {
  std::array<MemoryNeed, kPlanPhaseCount> needs;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) needs[i] = plan.Need(kPhases[i]);
  Cells cells;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) cells[i] = Name(kPhases[i]);
  std::string table = TableLine(Name(place), cells);
  for (std::size_t t = 0; t < kMemoryTagCount; ++t) {
    const auto tag = static_cast<MemoryTag>(t);
    bool any = false;
    for (std::size_t i = 0; i < kPlanPhaseCount; ++i) {
      cells[i] = Figure(needs[i].row(tag, place));
      any = any || needs[i].row(tag, place).bytes > Bytes();
    }
    if (any) table += TableLine(Name(tag), cells);
  }
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) cells[i] = ToString(needs[i].Total(place));
  table += TableLine("total", cells);
  table += fmt::format("peak {} in {}", ToString(plan.Peak(place)), Name(plan.PeakPhase(place)));
  if (limit.bytes != Bytes::Max()) {
    table += fmt::format(", limit {} ({})", ToString(limit.bytes), limit.origin);
    if (plan.Peak(place) > limit.bytes) {
      table += fmt::format(": {} too much", ToString(plan.Peak(place) - limit.bytes));
    }
  }
  return fmt::format("{}\n", table);
}

Json NeedToJson(const MemoryNeed& need, MemoryPlace place) {
  Json rows = Json::object();
  for (std::size_t t = 0; t < kMemoryTagCount; ++t) {
    const auto tag = static_cast<MemoryTag>(t);
    const MemoryNeed::Row& row = need.row(tag, place);
    if (row.bytes > Bytes())
      rows[std::string(Name(tag))] = {{"bytes", row.bytes.count()}, {"basis", Name(row.basis)}};
  }
  return rows;
}

Json PlaceToJson(const MemoryPlan& plan, MemoryPlace place, const PlanLimit& limit) {
  Json json;
  json["peak_bytes"] = plan.Peak(place).count();
  json["peak_phase"] = Name(plan.PeakPhase(place));
  json["limit_bytes"] = limit.bytes == Bytes::Max() ? Json(nullptr) : Json(limit.bytes.count());
  json["limit_origin"] = limit.origin;
  for (const PlanPhase phase : kPhases) {
    const MemoryNeed need = plan.Need(phase);
    json["phases"][std::string(Name(phase))] = {{"total_bytes", need.Total(place).count()},
                                                {"rows", NeedToJson(need, place)}};
  }
  return json;
}

}  // namespace

std::string_view Name(PlanPhase phase) {
  switch (phase) {
    case PlanPhase::kSetup:
      return "setup";
    case PlanPhase::kTrainStep:
      return "train step";
    case PlanPhase::kValidation:
      return "validation";
    case PlanPhase::kSave:
      return "save";
    case PlanPhase::kEnd:
      return "end";
  }
  return "";
}

MemoryPlan& MemoryPlan::Add(std::string name, std::initializer_list<PlanPhase> phases,
                            const MemoryNeed& need) {
  Part part{std::move(name), {}, need};
  for (const PlanPhase phase : phases) part.phases[static_cast<std::size_t>(phase)] = true;
  parts_.push_back(std::move(part));
  return *this;
}

MemoryPlan& MemoryPlan::AddThroughout(std::string name, const MemoryNeed& need) {
  return Add(std::move(name),
             {PlanPhase::kSetup, PlanPhase::kTrainStep, PlanPhase::kValidation, PlanPhase::kSave,
              PlanPhase::kEnd},
             need);
}

MemoryNeed MemoryPlan::Need(PlanPhase phase) const {
  MemoryNeed sum;
  for (const Part& part : parts_) {
    if (part.phases[static_cast<std::size_t>(phase)]) sum += part.need;
  }
  return sum;
}

PhaseBytes MemoryPlan::Totals(MemoryPlace place) const {
  PhaseBytes totals;
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i)
    totals[i] = Need(static_cast<PlanPhase>(i)).Total(place);
  return totals;
}

PlanPhase MemoryPlan::PeakPhase(MemoryPlace place) const {
  return *std::max_element(kPhases.begin(), kPhases.end(), [&](PlanPhase a, PlanPhase b) {
    return Need(a).Total(place) < Need(b).Total(place);
  });
}

Bytes MemoryPlan::Peak(MemoryPlace place) const { return Need(PeakPhase(place)).Total(place); }

Bytes MemoryPlan::Excess(const PlanLimits& limits) const {
  Bytes excess;
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    excess =
        std::max(excess, SaturatingSub(Peak(static_cast<MemoryPlace>(place)), limits[place].bytes));
  }
  return excess;
}

std::string FormatPlan(const MemoryPlan& plan, const PlanLimits& limits) {
  std::string text = FormatPlace(plan, MemoryPlace::kHost, limits[0]);
  if (plan.Peak(MemoryPlace::kDevice) > Bytes())
    text += fmt::format("\n{}", FormatPlace(plan, MemoryPlace::kDevice, limits[1]));
  return fmt::format("{}no mark: exact, ~: measured here, ?: assumed\n", text);
}

std::string PlanToJson(const MemoryPlan& plan, const PlanLimits& limits) {
  Json json;
  json["version"] = 1;
  json["host"] = PlaceToJson(plan, MemoryPlace::kHost, limits[0]);
  json["device"] = PlaceToJson(plan, MemoryPlace::kDevice, limits[1]);
  json["parts"] = Json::array();
  for (const MemoryPlan::Part& part : plan.parts()) {
    Json phases = Json::array();
    for (const PlanPhase phase : kPhases) {
      if (part.phases[static_cast<std::size_t>(phase)]) phases.push_back(Name(phase));
    }
    json["parts"].push_back({{"name", part.name},
                             {"phases", std::move(phases)},
                             {"host", NeedToJson(part.need, MemoryPlace::kHost)},
                             {"device", NeedToJson(part.need, MemoryPlace::kDevice)}});
  }
  return json.dump(2) + "\n";
}

}  // namespace headroom
