// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/figure.h"

#include <optional>
#include <string>
#include <vector>

namespace headroom {

// Who held how much at each moment.
struct MemoryConsumer {
  std::string name;
  std::vector<double> bytes;  // As many as the timeline has seconds.
};

// One place's memory: the host's or the device's.
struct MemoryPanel {
  std::string title;  // "Host memory"
  std::vector<MemoryConsumer> consumers;
  // What the system says the process holds, by second; empty: only the consumers are known. Where
  // it is above their sum, the rest is shown as "not accounted".
  std::vector<double> held;
  // By second; empty: no limit. It may move with what others use.
  std::vector<double> limit;
};

struct MemoryTimeline {
  struct Phase {
    double begin_s = 0;
    double end_s = 0;
    std::string name;
  };
  struct Adaptation {
    double second = 0;
    std::string text;  // "micro-batch 16 -> 8"
  };

  std::vector<double> seconds;  // Ascending.
  MemoryPanel host;
  std::optional<MemoryPanel> device;
  std::vector<Phase> phases;
  std::vector<Adaptation> adaptations;
};

// memory.png: consumers stacked, the largest at the bottom, under the limit; phases shaded by name;
// adaptations numbered, with their text below. Any length: of many samples those that held most are
// drawn.
[[nodiscard]] Figure MemoryFigure(const MemoryTimeline& timeline);

}  // namespace headroom
