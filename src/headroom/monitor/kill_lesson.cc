// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/run_fate.h"

#include <algorithm>

namespace headroom {
namespace {

// A memory kill says that the plan or the limit was wrong by an unknown amount.
constexpr double kAfterKill = 0.8;

// By a tenth: a limit moves a little with what others hold.
bool IsLarger(Bytes limit_now, Bytes then) {
  return then > Bytes() && limit_now > then && limit_now - then > Scale(then, 0.1);
}

// As it is set; what others held of it then does not count.
Bytes LimitOf(const RunState& state) {
  return state.limit_set == Bytes::Max() || state.limit_set == Bytes() ? state.limit
                                                                       : state.limit_set;
}

// Everything of the step is held once before the first one, too.
PlanPhase PlannedAs(PlanPhase phase) {
  return phase == PlanPhase::kSetup ? PlanPhase::kTrainStep : phase;
}

// What was held beyond the plan of the phase.
Bytes Beyond(const RunState& state, Bytes held_at_death) {
  const Bytes planned = state.planned[static_cast<std::size_t>(PlannedAs(state.phase))];
  const Bytes peak = *std::max_element(state.planned.begin(), state.planned.end());
  if (planned == Bytes()) return {};
  const Bytes files = SaturatingSub(state.rss, state.rss_anon);
  const Bytes held = std::max(state.rss, held_at_death + files);
  const Bytes beyond =
      std::max(SaturatingSub(held, planned), SaturatingSub(state.high_water, peak));
  if (beyond > Bytes() || held_at_death > Bytes() || state.lesson.kills == 0) return beyond;
  // Twice, and between two looks: it held all that it could.
  return state.limit == Bytes::Max() ? Bytes() : SaturatingSub(state.limit, planned);
}

Bytes CutAfter(const RunState& state, Bytes held_at_death) {
  const Bytes seen = std::max(state.rss_anon, state.ledger.total().now);
  const Bytes held = held_at_death > Bytes() ? held_at_death : seen;
  // What it held was too much, and so was what it was allowed.
  const Bytes allowed = AllowedBytes(state);
  return Scale(held > Bytes() ? std::min(held, allowed) : allowed, kAfterKill);
}

}  // namespace

Bytes AllowedBytes(const RunState& state) {
  return std::max(state.budget, *std::max_element(state.planned.begin(), state.planned.end()));
}

KillLesson LessonAfter(const LastState& last, const Verdict& verdict, Bytes limit_now) {
  const RunState& state = last.state;
  KillLesson lesson = state.lesson;
  const bool is_killed = verdict.fate == RunFate::kOomKilled;
  if (lesson.doubtful && IsLarger(limit_now, lesson.limit)) lesson = {.kills = lesson.kills};
  if (is_killed || verdict.is_guess) ++lesson.kills;
  if (!is_killed || state.budget == Bytes()) return lesson;
  if (verdict.is_guess && IsLarger(limit_now, LimitOf(state))) return lesson;
  const Bytes cut = CutAfter(state, verdict.held_at_death);
  const bool had_cut = lesson.cut_budget > Bytes();
  // A guess that comes on top of a kill that was seen is none any more.
  lesson.doubtful = verdict.is_guess && (!had_cut || lesson.doubtful);
  lesson.cut_budget = had_cut ? std::min(lesson.cut_budget, cut) : cut;
  lesson.limit = LimitOf(state);
  // The plan left room for what was learned before.
  lesson.unplanned[static_cast<std::size_t>(PlannedAs(state.phase))] +=
      Beyond(state, verdict.held_at_death);
  return lesson;
}

}  // namespace headroom
