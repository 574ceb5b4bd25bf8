// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/pressure_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

double AsDouble(Bytes bytes) { return static_cast<double>(bytes.count()); }

Bytes FromDouble(double bytes) { return Bytes(bytes <= 0 ? 0 : static_cast<std::uint64_t>(bytes)); }

// The samples of the last `seconds`.
std::span<const ResourceSample> Last(std::span<const ResourceSample> samples, double seconds) {
  const double from = samples.back().seconds - seconds;
  const auto first = std::find_if(samples.begin(), samples.end(),
                                  [from](const auto& s) { return s.seconds >= from; });
  return samples.subspan(static_cast<std::size_t>(first - samples.begin()));
}

// What others took between two samples; negative: gave. A limit of the same group that was set to
// something else is no taking.
double Taken(const ResourceSample& before, const ResourceSample& after) {
  const double fall = AsDouble(before.limit) - AsDouble(after.limit);
  if (before.limit_source != after.limit_source) return fall;
  return fall - (AsDouble(before.limit_set) - AsDouble(after.limit_set));
}

// Bytes a second.
double TakingRate(const ResourceSample& before, const ResourceSample& after) {
  const double elapsed = after.seconds - before.seconds;
  return elapsed > 0 ? Taken(before, after) / elapsed : 0;
}

// Whether the budget stayed as it is for the time, and was watched all along.
bool BudgetUnchangedFor(std::span<const ResourceSample> samples, double seconds) {
  if (samples.back().seconds - samples.front().seconds < seconds) return false;
  const auto last = Last(samples, seconds);
  return std::all_of(last.begin(), last.end(),
                     [&](const auto& s) { return s.budget == samples.back().budget; });
}

Bytes Keep(Bytes limit, const PressurePolicy& policy) {
  return std::max(Scale(limit, policy.keep_fraction), policy.keep_least);
}

double SuddenFall(const ResourceSample& now, const PressurePolicy& policy) {
  return AsDouble(Keep(now.limit, policy)) * policy.sudden_part;
}

// By how much the limit is expected to fall.
double ExpectedFall(std::span<const ResourceSample> samples, const PressurePolicy& policy) {
  const double fall = FallingRate(samples, policy.trend_window_s) * policy.horizon_s;
  if (samples.size() < 3) return fall;
  const auto last = samples.last(3);
  const double before = TakingRate(last[0], last[1]);
  const double now = TakingRate(last[1], last[2]);
  if (before <= 0 || now <= 0) return fall;
  return std::max(fall, std::min(now, policy.sudden_growth * before) * policy.sudden_s);
}

// Of the limit, what was never clean: a disk that does not keep up. Others hold it.
Bytes StaysDirty(std::span<const ResourceSample> samples, const PressurePolicy& policy) {
  if (samples.back().seconds - samples.front().seconds < policy.dirty_s) return {};
  Bytes least = samples.back().dirty;
  for (const ResourceSample& sample : Last(samples, policy.dirty_s))
    least = std::min(least, sample.dirty);
  return least;
}

// What may be held without meeting the limit, `less` of which is not to be had.
Bytes SafeHold(const ResourceSample& sample, double less, const PressurePolicy& policy) {
  return FromDouble(AsDouble(SaturatingSub(sample.limit, Keep(sample.limit, policy))) - less);
}

PressureAdvice GiveBack(const ResourceSample& now, Bytes hold, std::string reason) {
  PressureAdvice advice;
  advice.kind = PressureAdvice::Kind::kGiveBack;
  advice.budget = std::min(now.budget, hold);
  advice.give_back = SaturatingSub(now.Held(), hold);
  advice.reason = std::move(reason);
  return advice;
}

PressureAdvice GrowTo(Bytes budget, double calm_s) {
  PressureAdvice advice;
  advice.kind = PressureAdvice::Kind::kGrow;
  advice.budget = budget;
  advice.reason = fmt::format("there was room for {:.0f} s", calm_s);
  return advice;
}

// Room and nothing else: what waits for memory beside so much of it waits for something else.
bool IsPressed(const ResourceSample& sample, const PressurePolicy& policy) {
  return sample.pressure && sample.pressure->some_avg10 > policy.pressure_some / 10 &&
         sample.Room() < Scale(sample.limit, policy.pressure_room_fraction);
}

// Of the cut that made the budget of now, when it was made for a fall that was expected: what it
// would have left had it looked at the limit alone. 0 where it was another, or is not among the
// samples.
Bytes LevelOfDoubt(std::span<const ResourceSample> samples, const PressurePolicy& policy) {
  for (std::size_t i = samples.size() - 1; i > 0; --i) {
    const ResourceSample& then = samples[i - 1];
    if (then.budget == samples.back().budget) continue;
    if (then.budget < samples.back().budget) return {};
    if (ExpectedFall(samples.first(i), policy) < SuddenFall(then, policy)) return {};
    return SaturatingSub(SafeHold(then, 0, policy), Scale(then.limit, policy.give_step));
  }
  return {};
}

// A fall was expected to go on, and did not.
PressureAdvice TakeBackDoubt(std::span<const ResourceSample> samples, Bytes original,
                             const PressurePolicy& policy) {
  if (!BudgetUnchangedFor(samples, policy.doubt_s)) return {};
  const ResourceSample& now = samples.back();
  const auto last = Last(samples, policy.doubt_s);
  Bytes limit = now.limit;
  for (const ResourceSample& sample : last) {
    if (IsPressed(sample, policy)) return {};
    limit = std::min(limit, sample.limit);
  }
  if (Taken(last.front(), now) > SuddenFall(now, policy)) return {};
  const Bytes most =
      std::min({original, LevelOfDoubt(samples, policy), Scale(limit, policy.fresh_fraction)});
  if (SaturatingSub(most, now.budget) < Scale(original, policy.grow_step / 2)) return {};
  return GrowTo(most, policy.doubt_s);
}

PressureAdvice Grow(std::span<const ResourceSample> samples, Bytes original, Bytes dirty,
                    const PressurePolicy& policy) {
  const ResourceSample& now = samples.back();
  if (now.budget >= original) return {};
  if (PressureAdvice advice = TakeBackDoubt(samples, original, policy)) return advice;
  if (!BudgetUnchangedFor(samples, policy.calm_s)) return {};
  Bytes safe = Bytes::Max();
  for (const ResourceSample& sample : Last(samples, policy.calm_s)) {
    if (IsPressed(sample, policy)) return {};
    safe = std::min(safe, SafeHold(sample, AsDouble(dirty), policy));
  }
  const Bytes step = std::min(Scale(original, policy.grow_step), original - now.budget);
  // Half of the room that was there all the time stays for the others; a step that small is none.
  const Bytes room = Scale(SaturatingSub(safe, now.budget), 0.5);
  const Bytes grown = std::min(step, room);
  if (grown < std::min(Scale(original, policy.grow_step / 4), step)) return {};
  return GrowTo(now.budget + grown, policy.calm_s);
}

}  // namespace

double FallingRate(std::span<const ResourceSample> samples, double window_s) {
  if (samples.empty()) return 0;
  const auto window = Last(samples, window_s);
  double taken = 0;
  double seconds = 0;
  double most = 0;
  double most_s = 0;
  for (std::size_t i = 1; i < window.size(); ++i) {
    const double elapsed = window[i].seconds - window[i - 1].seconds;
    const double here = Taken(window[i - 1], window[i]);
    taken += here;
    seconds += elapsed;
    if (here > most) {
      most = here;
      most_s = elapsed;
    }
  }
  seconds -= most_s;
  return seconds > 0 ? std::max((taken - most) / seconds, 0.0) : 0;
}

void Remember(std::vector<ResourceSample>& samples, const ResourceSample& now, double period_s,
              std::size_t most) {
  samples.push_back(now);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const bool passing = samples[i].extra && samples[i].seconds < now.seconds - period_s &&
                         samples[i].budget == samples[i + 1].budget;
    if (!passing) samples[kept++] = samples[i];
  }
  samples.resize(kept);
  if (samples.size() > most) samples.erase(samples.begin());
}

bool FellSuddenly(std::span<const ResourceSample> samples, const PressurePolicy& policy) {
  if (samples.size() < 2 || samples.back().limit == Bytes::Max()) return false;
  const ResourceSample& now = samples.back();
  const double taken = Taken(samples[samples.size() - 2], now);
  const double elapsed = now.seconds - samples[samples.size() - 2].seconds;
  // Of a short look the rate counts: who goes on taking is followed.
  return taken > SuddenFall(now, policy) * std::min(elapsed, 1.0);
}

PressureAdvice Advise(std::span<const ResourceSample> samples, Bytes original,
                      const PressurePolicy& policy) {
  if (samples.empty() || samples.back().limit == Bytes::Max()) return {};
  const ResourceSample& now = samples.back();
  const double fall = ExpectedFall(samples, policy);
  const Bytes dirty = StaysDirty(samples, policy);
  const Bytes safe = SafeHold(now, fall + AsDouble(dirty), policy);
  const Bytes hold = SaturatingSub(safe, Scale(now.limit, policy.give_step));
  if (now.Held() > safe) {
    const std::string why = fall >= AsDouble(policy.keep_least)
                                ? fmt::format("others are about to take {} more and {} is left",
                                              ToString(FromDouble(fall)), ToString(now.Room()))
                                : fmt::format("only {} is left of the limit of {}",
                                              ToString(now.Room()), ToString(now.limit));
    return GiveBack(now, hold, why);
  }
  const bool tight = now.Room() < Scale(now.limit, policy.pressure_room_fraction);
  if (tight && now.pressure && now.pressure->some_avg10 > policy.pressure_some &&
      BudgetUnchangedFor(samples, policy.pressure_pause_s)) {
    const Bytes less = SaturatingSub(now.Held(), Scale(now.limit, policy.pressure_step));
    return GiveBack(now, less,
                    fmt::format("tasks waited for memory {:.0f} % of the last 10 s and {} is left",
                                now.pressure->some_avg10, ToString(now.Room())));
  }
  // Held is fine but the budget promises more than there will be.
  if (now.budget > safe) {
    return GiveBack(now, std::max(hold, now.Held()),
                    fmt::format("the limit fell to {}: the budget follows", ToString(now.limit)));
  }
  return Grow(samples, original, dirty, policy);
}

}  // namespace headroom
