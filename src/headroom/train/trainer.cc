// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/trainer.h"

#include "headroom/train/training_run.h"

#include <utility>

namespace headroom {

Trainer::Trainer(Options options, Settings settings, Budget& budget, TrainObserver& observer,
                 std::function<bool()> stop)
    : run_(std::make_unique<TrainingRun>(std::move(options), std::move(settings), budget, observer,
                                         std::move(stop))) {}

Trainer::~Trainer() = default;

void Trainer::CutBudget(Bytes limit) { run_->cut_budget = limit; }

void Trainer::Hold(std::unique_ptr<FileLock> run_lock) { run_->lock = std::move(run_lock); }

TrainOutcome Trainer::Run() { return run_->Run(); }

}  // namespace headroom
