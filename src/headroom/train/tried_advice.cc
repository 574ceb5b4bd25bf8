// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/tried_advice.h"

#include "headroom/memory/fit.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/train/adaptation.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace headroom {
namespace {

constexpr int kMostTries = 12;
constexpr double kLarger = 1.6;  // Of a budget within which not everything could be measured.

Bytes Times(Bytes bytes, double factor) {
  return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * factor));
}

// Sets the budget while it lives.
class TrialBudget {
 public:
  explicit TrialBudget(Budget& budget)
      : budget_(budget), limit_(budget.limit()), origin_(budget.origin()) {}
  ~TrialBudget() { budget_.SetLimit(limit_, origin_); }
  TrialBudget(const TrialBudget&) = delete;
  TrialBudget& operator=(const TrialBudget&) = delete;

  void Set(Bytes limit) { budget_.SetLimit(limit, "tried, to say how much is needed"); }

 private:
  Budget& budget_;
  const Bytes limit_;
  const std::string origin_;
};

// Steps of the set-up that were refused are made up for.
MemoryPlan SmallestNow(TrainingSetup& setup) {
  if (!setup.executor) setup.BuildNetwork();
  if (!setup.loss) setup.ReadData();
  setup.GiveBackFreeBlocks();
  setup.MeasureProcess();
  const RunChoice choice = setup.Choose(setup.options, setup.Limits());
  PlanLimits nothing = setup.Limits();
  nothing[0].bytes = Bytes();
  return FitTraining(setup.Subject(choice.optimizer.kind), choice.wanted, nothing).plan;
}

}  // namespace

std::optional<MemoryPlan> TrySmallestPlan(TrainingSetup& setup) {
  std::optional<MemoryPlan> smallest;
  if (setup.place != MemoryPlace::kHost) return smallest;
  TrialBudget trial(setup.budget);
  Bytes limit = setup.budget.limit();
  const Bytes most = std::max(limit, setup.machine_limit);
  for (int i = 0; i < kMostTries; ++i) {
    trial.Set(limit);
    try {
      smallest = SmallestNow(setup);
    } catch (const BudgetError&) {
      smallest.reset();
    }
    const Bytes peak = smallest ? smallest->Peak(MemoryPlace::kHost) : Times(limit, kLarger);
    if (peak <= limit || limit == most) break;
    limit = std::min(peak, most);
  }
  return smallest;
}

void RefuseTraining(TrainingSetup& setup, const BudgetError& refusal) {
  if (setup.place != MemoryPlace::kHost) throw refusal;
  const PlanLimits limits = setup.Limits();
  const std::optional<MemoryPlan> smallest = TrySmallestPlan(setup);
  LimitRaises raises;
  raises[0] = {.ceiling = setup.machine_limit, .origin = FindEffectiveLimit().smallest.origin};
  if (!smallest) {
    // Not even the measurement has room; its own advice was not tried.
    const std::string what = refusal.what();
    throw BudgetError(fmt::format(
        "{} memory= cannot give more than there is: {} ({}). Raise that, or use a smaller imgsz= "
        "or model",
        what.substr(0, what.find(" Raise it with")), ToString(raises[0].ceiling),
        raises[0].origin));
  }
  const std::string text = ExplainUnfit(*smallest, limits, raises);
  if (text.empty()) throw refusal;
  throw BudgetError(text + ExplainPictures(setup.Subject(OptimizerKind::kSgd), *smallest));
}

}  // namespace headroom
