// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/resource_sample.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// When to give memory back, and when to take it again.
struct PressurePolicy {
  double horizon_s = 5;       // The limit may not be met within this time.
  double trend_window_s = 8;  // Over which the limit's fall is averaged.
  // What fell in the last two samples is taken to go on at the last one's rate for this long, too:
  // a hog that starts now shows in it before it shows in the average ...
  double sudden_s = 2;
  double sudden_growth = 4;  // ... but at no more than this many times the rate of the one before.
  // A fall by this part of what is kept free is looked at again at once: is it a rate or a level?
  double sudden_part = 0.5;
  double look_again_s = 0.1;
  double dirty_s = 10;                // Pages that are still dirty after this time are held.
  double keep_fraction = 0.05;        // Room that shall stay below the limit ...
  Bytes keep_least = Bytes::MiB(64);  // ... and at least this much.
  double give_step =
      0.025;  // Of the limit, given beyond what is needed: a few acts, not one a second.
  double pressure_some = 10;             // Percent; systemd-oomd kills at 60.
  double pressure_room_fraction = 0.25;  // Above this room, pressure is somebody else's.
  double pressure_step = 0.05;  // Part of the limit that pressure costs, every pressure_pause_s.
  double pressure_pause_s = 5;
  double calm_s = 30;      // Quiet time before the budget grows, and between two steps.
  double grow_step = 0.1;  // Of the original budget, a step.
  // What was cut for a fall that did not go on is given again after so long without one, up to
  // what a run that begins now would plan within.
  double doubt_s = 10;
  double fresh_fraction = 0.8;
};

struct PressureAdvice {
  enum class Kind { kNone, kGiveBack, kGrow };
  Kind kind = Kind::kNone;
  Bytes budget;     // What the host budget's limit should be from now on.
  Bytes give_back;  // kGiveBack: what is held above it now.
  std::string reason;

  explicit operator bool() const { return kind != Kind::kNone; }
};

// How fast the limit falls, bytes a second over the window, 0 when it does not. It is the others'
// growth: our own is bounded by the budget and moves no limit. Two samples make a rate: the largest
// fall between two of them is left out, so that one step, however large, is none; nor is a limit
// that is set to less.
[[nodiscard]] double FallingRate(std::span<const ResourceSample> samples, double window_s);

// Adds a sample, and drops the oldest of more than `most`. Extra ones of more than period_s ago go,
// too, but those at which the budget was changed: they show why.
void Remember(std::vector<ResourceSample>& samples, const ResourceSample& now, double period_s,
              std::size_t most);

// Whether the last sample fell so much that the next should come at once.
[[nodiscard]] bool FellSuddenly(std::span<const ResourceSample> samples,
                                const PressurePolicy& policy = {});

// A pure function of the samples (oldest first, the last is now). `original` is the budget of the
// plan, beyond which nothing grows. The samples' budgets show what earlier advice did.
[[nodiscard]] PressureAdvice Advise(std::span<const ResourceSample> samples, Bytes original,
                                    const PressurePolicy& policy = {});

}  // namespace headroom
