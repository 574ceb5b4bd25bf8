// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/pipelined_loader.h"

#include <optional>
#include <string>

namespace headroom {

// workers=-1: as few threads as keep the training step busy. Starts at 2 (or the cores there are),
// adds one while the step waits for data and the budget allows, drops one under memory pressure.
class WorkerPolicy {
 public:
  explicit WorkerPolicy(int cores) : cores_(cores < 1 ? 1 : cores) {}

  [[nodiscard]] int initial_workers() const { return cores_ < 2 ? cores_ : 2; }

  struct Change {
    int workers;
    std::string reason;  // One line.
  };
  // Called between batches. elapsed_s: wall time since the last call; may_grow: the budget has room
  // for another worker; pressure: memory is short. Nothing: leave it as it is.
  [[nodiscard]] std::optional<Change> Decide(const LoaderStatistics& now, int workers,
                                             double elapsed_s, bool may_grow, bool pressure);

 private:
  int cores_;
  LoaderStatistics last_;
  double waited_s_ = 0;
  double watched_s_ = 0;
};

}  // namespace headroom
