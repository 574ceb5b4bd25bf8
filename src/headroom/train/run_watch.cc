// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_watch.h"

#include "headroom/core/error.h"
#include "headroom/monitor/give_way.h"
#include "headroom/monitor/host_memory.h"
#include "headroom/monitor/run_fate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

constexpr double kTrendSeconds = 8;
constexpr std::size_t kTrendSamples = 16;
// A run that was killed in its first second is no measure for what a life is.
constexpr std::int64_t kLeastLifeMs = 60'000;

RunIdentity Identity(const std::filesystem::path& folder, const std::string& command) {
  RunIdentity identity = IdentifyThisProcess();
  identity.run_folder = folder.string();
  identity.command = command;
  return identity;
}

// What the page of a run before this one in the folder teaches.
KillLesson LessonIn(const Result<LastState>& last) {
  if (!last) return {};
  const PresentSystem present = LookAtPresent(last->identity);
  return LessonAfter(*last, Judge(*last, present), present.limit);
}

std::int64_t MillisecondsOf(const Result<LastState>& last) {
  return last ? std::max<std::int64_t>(last->state.unix_ms - last->identity.start_unix_s * 1000, 0)
              : 0;
}

}  // namespace

RunWatch::RunWatch(const std::filesystem::path& folder, const std::string& command, Budget& budget,
                   std::unique_ptr<GpuMemory> gpu, int device)
    : budget_(budget), source_(SystemRoot{}, budget.ledger(), &budget, std::move(gpu), device) {
  const std::filesystem::path page = folder / kLastStateName;
  // Before anything else is known: a kill may come first, and shall not lose it.
  const Result<LastState> last = ReadLastState(page);
  state_.lesson = LessonIn(last);
  lives_at_ms_ = UnixMilliseconds() + std::max(MillisecondsOf(last), kLeastLifeMs);
  try {
    page_ = std::make_unique<LastStateWriter>(page, Identity(folder, command));
    page_->Update(state_);
  } catch (const WriteError& error) {
    lines_.push_back(
        fmt::format("WARNING {}; a later start cannot explain this run's end", error.what()));
  }
  ResourceMonitorOptions options;
  options.budget = budget.limit();
  options.csv = folder / "memory.csv";
  monitor_ = std::make_unique<ResourceMonitor>(
      options, source_, clock_,
      [this](const PressureAdvice& advice, const ResourceSample&) { OnAdvice(advice); },
      [this](const ResourceSample& sample) { OnSample(sample); });
}

RunWatch::~RunWatch() = default;

KillLesson RunWatch::Lesson() {
  MutexLock lock(mutex_);
  return state_.lesson;
}

void RunWatch::KeepAbove(Bytes least, const PhaseBytes& planned) {
  {
    MutexLock lock(mutex_);
    original_ = budget_.limit();
    origin_ = budget_.origin();
    state_.planned = planned;
    state_.smallest = least;
    const Bytes cut = std::max(state_.lesson.cut_budget, least);  // As it would have been applied.
    if (original_ == first_limit_ && original_ > cut)
      state_.lesson = {.kills = state_.lesson.kills};
  }
  monitor_->SetBudget(budget_.limit());
  planned_ = std::max_element(planned.begin(), planned.end())->count();
  least_ = least.count();  // Last: until then the budget stays.
}

void RunWatch::OnAdvice(const PressureAdvice& advice) {
  PressureAdvice bounded = advice;
  // Before the plan is known nothing can be said to be too little: the budget stays.
  bounded.budget = std::max(advice.budget, Bytes(least_));
  const bool gives = advice.kind == PressureAdvice::Kind::kGiveBack;
  wanted_ = gives && bounded.budget < Bytes(step_least_) ? bounded.budget.count() : UINT64_MAX;
  if (gives) bounded.budget = std::max(bounded.budget, Bytes(step_least_));
  if (gives || bounded.budget == Bytes::Max())
    bounded.budget = std::min(bounded.budget, budget_.limit());
  if (bounded.budget == budget_.limit() && budget_.used() <= budget_.limit()) return;
  const bool cut = bounded.budget < budget_.limit();
  GaveWay done = GiveWay(budget_, bounded, Bytes(planned_));
  // Only a cut: at the smallest settings breaking off a step would gain nothing.
  if (cut && done.given < advice.give_back) urgent_ = true;
  MutexLock lock(mutex_);
  gave_way_ = gave_way_ || gives;
  given_back_ += done.given;
  if (budget_.limit() == original_) budget_.SetLimit(original_, origin_);
  if (done.line.empty()) return;
  state_.note = done.line;
  lines_.push_back(std::move(done.line));
}

void RunWatch::CutToWanted() {
  const Bytes wanted(wanted_.exchange(UINT64_MAX));
  const Bytes before = budget_.limit();
  if (wanted >= before) return;
  MutexLock lock(mutex_);
  budget_.SetLimit(wanted, "cut in mid-run, between two steps: others need the memory");
  lines_.push_back(fmt::format("Memory: a running step could give no more; budget {} -> {}.",
                               ToString(before), ToString(wanted)));
}

void RunWatch::OnSample(const ResourceSample& sample) {
  if (recent_.size() == kTrendSamples) recent_.erase(recent_.begin());
  recent_.push_back(sample);
  const double falls = FallingRate(recent_, kTrendSeconds);
  const std::string origin = source_.DescribeLimit();
  {
    MutexLock lock(mutex_);
    SetFromSample(state_, sample, origin, falls);
  }
  // A second without the page does less harm than one without a sample.
  if (page_ != nullptr) static_cast<void>(page_->TryUpdate([this] { return State(); }));
}

RunState RunWatch::State() {
  MutexLock lock(mutex_);
  return state_;
}

void RunWatch::WritePage() {
  if (page_ != nullptr) page_->Update([this] { return State(); });
}

void RunWatch::Update(const RunState& state) {
  Merge(state);
  WritePage();
}

void RunWatch::Merge(const RunState& state) {
  MutexLock lock(mutex_);
  RunState merged = state;
  // The monitor's part stays as it was sampled.
  merged.ledger = budget_.ledger().Read();
  merged.rss = state_.rss;
  merged.rss_anon = state_.rss_anon;
  merged.high_water = state_.high_water;
  merged.limit = state_.limit;
  merged.limit_origin = state_.limit_origin;
  merged.pressure_some = state_.pressure_some;
  merged.limit_falls_per_s = state_.limit_falls_per_s;
  merged.budget = budget_.limit();
  merged.lesson = state_.lesson;
  merged.smallest = state_.smallest;
  merged.limit_set = state_.limit_set;
  merged.group_oom_kills = state_.group_oom_kills;
  merged.host_oom_kills = state_.host_oom_kills;
  if (merged.planned == PhaseBytes{}) merged.planned = state_.planned;
  merged.device_used = state_.device_used;
  merged.unix_ms = UnixMilliseconds();
  merged.end = state_.end;
  merged.exit_code = state_.exit_code;
  if (merged.note.empty()) merged.note = std::move(state_.note);
  state_ = std::move(merged);
  ForgetWhenLived();
}

void RunWatch::ForgetWhenLived() {
  if (state_.lesson.kills == 0 && !state_.lesson.doubtful) return;
  if (first_epoch_ == 0 && state_.phase == PlanPhase::kTrainStep) first_epoch_ = state_.epoch;
  const bool epoch_ended = first_epoch_ > 0 && state_.epoch > first_epoch_;
  const bool outlived = !gave_way_ && state_.unix_ms >= lives_at_ms_;
  if (!epoch_ended && !outlived && state_.phase != PlanPhase::kEnd) return;
  state_.lesson.kills = 0;
  if (!state_.lesson.doubtful) return;
  state_.lesson = {};
  original_ = first_limit_;
  origin_ = first_origin_;
  monitor_->SetBudget(first_limit_);
  lines_.push_back(
      fmt::format("Memory: the run has lived, so the cut for a kill that was a guess is forgotten; "
                  "with room the "
                  "budget grows to {} again.",
                  ToString(first_limit_)));
}

Bytes RunWatch::GivenBack() {
  MutexLock lock(mutex_);
  return given_back_;
}

void RunWatch::UpdateAndSync(const RunState& state) {
  Update(state);
  if (page_ != nullptr) page_->Sync();
}

void RunWatch::End(RunEnd end, int exit_code) {
  {
    MutexLock lock(mutex_);
    state_.end = end;
    state_.exit_code = exit_code;
    state_.unix_ms = UnixMilliseconds();
  }
  WritePage();
  if (page_ != nullptr) page_->Sync();
}

void RunWatch::CountPeak() {
  HostMemoryReader reader{SystemRoot{}};
  monitor_->CountPeak(reader.ReadProcess().high_water);
}

std::vector<std::string> RunWatch::TakeLines() {
  MutexLock lock(mutex_);
  return std::exchange(lines_, {});
}

}  // namespace headroom
