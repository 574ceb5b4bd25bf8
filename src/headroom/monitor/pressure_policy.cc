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

double LeastSquaresSlope(std::span<const ResourceSample> samples) {
  double mean_t = 0;
  double mean_y = 0;
  const auto n = static_cast<double>(samples.size());
  for (const ResourceSample& sample : samples) {
    mean_t += sample.seconds / n;
    mean_y += AsDouble(sample.limit) / n;
  }
  double covariance = 0;
  double variance = 0;
  for (const ResourceSample& sample : samples) {
    covariance += (sample.seconds - mean_t) * (AsDouble(sample.limit) - mean_y);
    variance += (sample.seconds - mean_t) * (sample.seconds - mean_t);
  }
  return variance > 0 ? covariance / variance : 0;
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

// By how much the limit is expected to fall.
double ExpectedFall(std::span<const ResourceSample> samples, const PressurePolicy& policy) {
  double fall = FallingRate(samples, policy.trend_window_s) * policy.horizon_s;
  if (samples.size() < 2) return fall;
  const ResourceSample& before = samples[samples.size() - 2];
  const double elapsed = samples.back().seconds - before.seconds;
  if (elapsed <= 0) return fall;
  return std::max(
      fall, (AsDouble(before.limit) - AsDouble(samples.back().limit)) / elapsed * policy.sudden_s);
}

// What may be held without meeting the limit after such a fall.
Bytes SafeHold(const ResourceSample& sample, double fall, const PressurePolicy& policy) {
  return FromDouble(AsDouble(SaturatingSub(sample.limit, Keep(sample.limit, policy))) - fall);
}

PressureAdvice GiveBack(const ResourceSample& now, Bytes hold, std::string reason) {
  PressureAdvice advice;
  advice.kind = PressureAdvice::Kind::kGiveBack;
  advice.budget = std::min(now.budget, hold);
  advice.give_back = SaturatingSub(now.Held(), hold);
  advice.reason = std::move(reason);
  return advice;
}

PressureAdvice Grow(std::span<const ResourceSample> samples, Bytes original,
                    const PressurePolicy& policy) {
  const ResourceSample& now = samples.back();
  if (now.budget >= original || !BudgetUnchangedFor(samples, policy.calm_s)) return {};
  Bytes safe = Bytes::Max();
  for (const ResourceSample& sample : Last(samples, policy.calm_s)) {
    if (sample.pressure && sample.pressure->some_avg10 > policy.pressure_some / 10) return {};
    safe = std::min(safe, SafeHold(sample, 0, policy));
  }
  const Bytes step = std::min(Scale(original, policy.grow_step), original - now.budget);
  // Half of the room that was there all the time stays for the others; a step that small is none.
  const Bytes room = Scale(SaturatingSub(safe, now.budget), 0.5);
  const Bytes grown = std::min(step, room);
  if (grown < std::min(Scale(original, policy.grow_step / 4), step)) return {};
  PressureAdvice advice;
  advice.kind = PressureAdvice::Kind::kGrow;
  advice.budget = now.budget + grown;
  advice.reason = fmt::format("there was room for {:.0f} s", policy.calm_s);
  return advice;
}

}  // namespace

double FallingRate(std::span<const ResourceSample> samples, double window_s) {
  if (samples.size() < 3) return 0;
  const auto window = Last(samples, window_s);
  return window.size() < 3 ? 0 : std::max(-LeastSquaresSlope(window), 0.0);
}

PressureAdvice Advise(std::span<const ResourceSample> samples, Bytes original,
                      const PressurePolicy& policy) {
  if (samples.empty() || samples.back().limit == Bytes::Max()) return {};
  const ResourceSample& now = samples.back();
  const double fall = ExpectedFall(samples, policy);
  const Bytes safe = SafeHold(now, fall, policy);
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
  return Grow(samples, original, policy);
}

}  // namespace headroom
