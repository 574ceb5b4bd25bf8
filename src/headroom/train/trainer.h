// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/core/file_lock.h"
#include "headroom/memory/budget.h"
#include "headroom/train/observer.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace headroom {

struct TrainOutcome {
  std::filesystem::path folder;
  bool interrupted = false;
  bool cannot_write = false;  // The last attempt to save failed.
};

struct TrainingRun;

// A training run from options to weights: the named steps of ARCHITECTURE.md, in order.
class Trainer {
 public:
  // The budget bounds what the run holds on the host. stop is asked after every batch: true ends
  // the run cleanly, with last.pt written.
  Trainer(Options options, Settings settings, Budget& budget, TrainObserver& observer,
          std::function<bool()> stop);
  ~Trainer();

  // After a kill for memory: plans within `limit` instead of the budget, but within no less than
  // the smallest settings need.
  void CutBudget(Bytes limit);
  // The lock of the folder of the run that goes on, held until the trainer goes. Else a run takes
  // its own.
  void Hold(std::unique_ptr<FileLock> run_lock);
  TrainOutcome Run();

 private:
  std::unique_ptr<TrainingRun> run_;
};

}  // namespace headroom
