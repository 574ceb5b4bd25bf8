// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/monitor/resource_sample.h"

#include <span>
#include <string>

namespace headroom {

// When to give memory back, and when to take it again.
struct PressurePolicy {
  double horizon_s = 5;       // The limit may not be met within this time.
  double trend_window_s = 8;  // Over which the limit's slope is fitted.
  // The last second's fall is taken to go on for this long, too: a hog that starts now shows in it
  // before it shows in the slope.
  double sudden_s = 2;
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
};

struct PressureAdvice {
  enum class Kind { kNone, kGiveBack, kGrow };
  Kind kind = Kind::kNone;
  Bytes budget;     // What the host budget's limit should be from now on.
  Bytes give_back;  // kGiveBack: what is held above it now.
  std::string reason;

  explicit operator bool() const { return kind != Kind::kNone; }
};

// How fast the limit falls: least-squares slope over the window, bytes a second, 0 when it does
// not. It is the others' growth: our own is bounded by the budget and moves no limit.
[[nodiscard]] double FallingRate(std::span<const ResourceSample> samples, double window_s);

// A pure function of the samples (oldest first, the last is now). `original` is the budget of the
// plan, beyond which nothing grows. The samples' budgets show what earlier advice did.
[[nodiscard]] PressureAdvice Advise(std::span<const ResourceSample> samples, Bytes original,
                                    const PressurePolicy& policy = {});

}  // namespace headroom
