// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/adaptation.h"

#include "headroom/core/error.h"
#include "headroom/data/decode_share.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/monitor/effective_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

// Of the limit: what a rung gives where it can give as much as one likes.
constexpr double kRung = 0.05;

int AheadOf(const TrainSettings& t) { return t.prefetch > 0 ? t.prefetch : PrefetchFor(t.workers); }

// memory= gives at most what the machine and its groups allow.
LimitRaises RaisesHere() {
  const MemoryLimit here = FindEffectiveLimit().smallest;
  LimitRaises raises;
  raises[0] = {.ceiling = here.bytes, .origin = here.origin};
  return raises;
}

// The loader's part of the settings, where `other` has less.
void LoadLess(const TrainSettings& other, TrainSettings& t) {
  t.pool_limit = std::min(t.pool_limit, other.pool_limit);
  if (AheadOf(other) < AheadOf(t)) t.prefetch = AheadOf(other);
  t.workers = std::min(t.workers, other.workers);
}

}  // namespace

std::string ExplainPictures(const PlanSubject& subject, const MemoryPlan& plan) {
  const MemoryNeed need = plan.Need(plan.PeakPhase(MemoryPlace::kHost));
  if (need.row(MemoryTag::kDecode).bytes < Scale(need.Total(), 0.3)) return {};
  const int side = subject.options.image_width;
  const bool is_val =
      subject.val.EstimateDecode(0).Total() > subject.train.EstimateDecode(side).Total();
  return is_val ? ExplainDecode(subject.val, 0) : ExplainDecode(subject.train, side);
}

Adaptation::Adaptation(const TrainingSetup& setup, OptimizerKind optimizer,
                       const TrainSettings& wanted)
    : setup_(setup), optimizer_(optimizer), wanted_(wanted), now_(wanted) {}

void Adaptation::SetPlan(MemoryPlan plan) {
  plan_ = std::move(plan);
  largest_peak_ = std::max(largest_peak_, plan_.Peak(MemoryPlace::kHost));
}

std::vector<std::string> Adaptation::FitFirst() {
  const PlanLimits limits = setup_.Limits();
  FitOutcome<TrainSettings> outcome = FitTraining(subject(), wanted_, limits);
  if (!outcome.fits) {
    throw BudgetError(ExplainUnfit(outcome.plan, limits, RaisesHere()) +
                      ExplainPictures(subject(), outcome.plan));
  }
  now_ = outcome.settings;
  SetPlan(std::move(outcome.plan));
  planned_limit_ = limits[0].bytes;
  return std::move(outcome.taken);
}

std::optional<SettingsChange> Adaptation::AtBoundary() {
  const PlanLimits limits = setup_.Limits();
  if (limits[0].bytes == planned_limit_) return std::nullopt;
  const bool grows = limits[0].bytes > planned_limit_;
  planned_limit_ = limits[0].bytes;
  FitOutcome<TrainSettings> outcome = FitTraining(subject(), wanted_, limits);
  // Whether pictures have room of their own changes nothing that runs.
  if (outcome.settings.plots != now_.plots) {
    now_.plots = outcome.settings.plots;
    SetPlan(PlanTraining(subject(), now_));
  }
  // Where nothing fits the smallest settings are still the best that can be done.
  if (outcome.settings == now_) return std::nullopt;
  SettingsChange change{
      outcome.settings,
      fmt::format("Memory: the budget is {} now; going on with {}", ToString(limits[0].bytes),
                  Describe(subject(), outcome.settings))};
  // What grows back must be worth the disturbance.
  if (grows && outcome.settings.micro_batch == now_.micro_batch &&
      outcome.settings.recompute == now_.recompute && outcome.settings.workers == now_.workers &&
      outcome.settings.pool_limit < Scale(now_.pool_limit, 1.25))
    return std::nullopt;
  now_ = outcome.settings;
  SetPlan(std::move(outcome.plan));
  return change;
}

std::optional<SettingsChange> Adaptation::WithinBatch(std::int64_t most) {
  const PlanLimits limits = setup_.Limits();
  const Bytes before = std::exchange(looked_at_limit_, limits[0].bytes);
  if (limits[0].bytes <= std::max(before, planned_limit_)) return std::nullopt;
  const TrainSettings fitted = FitTraining(subject(), wanted_, limits).settings;
  TrainSettings next = now_;
  next.micro_batch = std::max(now_.micro_batch, std::min(fitted.micro_batch, most));
  next.recompute = std::min(now_.recompute, fitted.recompute);
  if (next == now_) return std::nullopt;
  MemoryPlan plan = PlanTraining(subject(), next);
  if (!plan.Fits(limits)) return std::nullopt;
  now_ = next;
  SetPlan(std::move(plan));
  return SettingsChange{
      now_, fmt::format("Memory: the budget is {} now; the rest of the batch goes on with {}",
                        ToString(limits[0].bytes), Describe(subject(), now_))};
}

Bytes Adaptation::SmallestPeak() const {
  PlanLimits nothing = setup_.Limits();
  for (PlanLimit& limit : nothing) limit.bytes = Bytes();
  return FitTraining(subject(), wanted_, nothing).plan.Peak(MemoryPlace::kHost);
}

Bytes Adaptation::LeastInStep() const {
  TrainSettings least = now_;
  for (const FitStep<TrainSettings>& step : TrainLadder()) {
    if (step.order == ReclaimOrder::kImagesInFlight || step.order == ReclaimOrder::kWorkers)
      continue;
    while (step.reduce(least, Bytes::Max())) {
    }
  }
  const PlanSubject s = subject();
  return PlanTraining(s, least).Peak(MemoryPlace::kHost) +
         SaturatingSub(LoaderNeed(s, now_).Total(), LoaderNeed(s, least).Total());
}

std::optional<SettingsChange> Adaptation::ToLimit(ReclaimOrder from) {
  const TrainSettings fitted = FitTraining(subject(), wanted_, setup_.Limits()).settings;
  TrainSettings next = now_;
  next.micro_batch = std::min(now_.micro_batch, fitted.micro_batch);
  next.recompute = std::max(now_.recompute, fitted.recompute);
  next.validate_at_once = std::min(now_.validate_at_once, next.micro_batch);
  if (from < ReclaimOrder::kRecomputeActivations) LoadLess(fitted, next);
  if (next == now_) return std::nullopt;
  now_ = next;
  SetPlan(PlanTraining(subject(), now_));
  return SettingsChange{now_, "going on with " + Describe(subject(), now_)};
}

std::optional<SettingsChange> Adaptation::AfterFailure(ReclaimOrder from) {
  // In one go, where the limit asks for less than there is.
  if (std::optional<SettingsChange> change = ToLimit(from)) return change;
  TrainSettings next = now_;
  for (const FitStep<TrainSettings>& step : TrainLadder()) {
    if (step.order < from) continue;
    const std::optional<std::string> what = step.reduce(next, Scale(planned_limit_, kRung));
    if (!what) continue;
    now_ = next;
    SetPlan(PlanTraining(subject(), now_));
    return SettingsChange{next, *what};
  }
  return std::nullopt;
}

}  // namespace headroom
