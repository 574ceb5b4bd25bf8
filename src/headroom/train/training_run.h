// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file_lock.h"
#include "headroom/evaluate/validation.h"
#include "headroom/optim/schedule.h"
#include "headroom/train/adaptation.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/run_files.h"
#include "headroom/train/run_watch.h"
#include "headroom/train/trainer.h"
#include "headroom/train/training_loader.h"
#include "headroom/train/training_setup.h"
#include "headroom/train/validation_losses.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// A training run: the state that its steps share, and the steps by name. Private to the trainer;
// the steps are in training_run_setup.cc, _memory.cc, _epoch.cc and _end.cc.
struct TrainingRun {
  TrainingRun(Options o, Settings s, Budget& b, TrainObserver& w, std::function<bool()> f)
      : setup(std::move(o), std::move(s), b, w),
        options(setup.options),
        budget(b),
        observer(w),
        stop(std::move(f)) {}

  // Setup, and the epochs. A failure is noted in the run's folder and thrown on.
  TrainOutcome Run();
  void SetUp();
  TrainOutcome Train();
  void ReadResume();
  // The run's folder, locked, with its options and its last-state page: from here on a kill is
  // explained. What will be written there is tried.
  void ClaimFolder();
  // A resumed checkpoint that lies in no run: its copy in this folder goes on.
  void AdoptCheckpoint();
  void WriteOptions();
  // Whether the checkpoints will have room. Throws WriteError where not even one has.
  void CheckRoomForCheckpoints();
  void SetUpData();
  // Chooses batch and settings, and prints what the run will need.
  void Plan();
  // What runs that were killed held beyond their plans is left free by this one's.
  void LeaveUnplanned();
  // To what Trainer::CutBudget asked for, before the plan is fitted.
  void CutBudget();
  // The plan into the folder, and to the observers and the watch.
  void PublishPlan();
  [[nodiscard]] std::string ResumeCommand() const;
  void SetUpStep();
  void SetUpOptimizer();
  void Restore();
  // The position in batches of this run, and with time= how many epochs there are.
  void RestoreCounts();
  // A step on the worst size and the densest image, before anything depends on it: what does not
  // fit shows here. Its results are thrown away.
  void WarmUp();
  void Announce();
  // Before anything was trained a folder made for this run goes again; later it says the end.
  void EndWithError(const std::exception& failure);

  // Memory
  // A micro-batch could not get its memory: free blocks first, then the next step of the ladder.
  // `from`: the first rung that may change after those.
  bool MakeRoom(const std::string& what, int failures,
                ReclaimOrder from = ReclaimOrder::kRecomputeActivations);
  // Something of the run's set-up or end that can be done again: when memory is refused, free
  // blocks are given back and it is. A second failure is thrown on.
  void WithMemory(const char* what, const std::function<void()>& act);
  // The loader of the settings of now, or of smaller ones where they do not fit.
  void MakeLoader();
  void Adopt(const TrainSettings& settings);
  // Prints what the watch did since the last time.
  void SayActs();
  // Between two batches: whether the plan must change. True: the loader is a new one, which waits
  // for StartEpoch.
  bool AdaptAtBoundary();
  // Where a batch runs in pieces it may last for minutes: room that came meanwhile serves the rest.
  void GrowWithinBatch();
  // workers=-1: another number of them, where the step waits for images or memory is short.
  void AdaptWorkers();
  void Report(PlanPhase phase, bool sync);
  [[nodiscard]] CheckpointParts Parts();

  // One epoch
  // False when the run was interrupted.
  bool RunEpoch();
  // The first pictures of a batch, for those who draw them.
  void ShowPictures(int epoch, std::int64_t iteration, std::int64_t first, std::int64_t count);
  [[nodiscard]] Extent BatchExtent(int epoch, std::int64_t k) const;
  void MaybeStep(int epoch, std::int64_t k);
  [[nodiscard]] std::vector<GroupStep> GroupSteps(int epoch, std::int64_t iteration) const;
  [[nodiscard]] double Elapsed() const;
  [[nodiscard]] bool OutOfTime() const;
  bool EndEpoch(double last_loss);
  // The epochs for which there is time, when so many have taken so long.
  [[nodiscard]] static int EpochsWithin(double seconds, double spent, int epochs_done);
  // With time= the number of epochs follows the mean epoch so far.
  void UpdateEpochsByTime();
  // Non-finite loss: from the second epoch of a run on, back to the last checkpoint, three times.
  bool Recover();
  // The weights' moving average, with losses; the weights of now stay.
  Validation ValidateAverage(ValidationLosses& losses);
  // Of the epoch that has ended; when it fails the epoch's steps are saved first.
  Validation ValidateEpoch(ValidationLosses& losses);
  // The weights of now. `events`: all but what is to be done when memory is refused.
  Validation ValidateModel(ValidationEvents events, LossMeter* losses);
  [[nodiscard]] ValidationOptions HowToValidate() const;

  // Saving and the end
  // last.pt and what the epoch (from 0) earns beside it.
  void SaveEpoch(int epoch, const DetectionMetrics& metrics);
  void Save(const std::string& file, const DetectionMetrics& metrics);
  TrainOutcome Finish(bool finished);
  void SayMemory();
  void ValidateBest();

  std::unique_ptr<FileLock> lock;  // First: it goes when nothing writes any more.
  TrainingSetup setup;
  Options& options;  // The setup's.
  Budget& budget;
  TrainObserver& observer;
  std::function<bool()> stop;
  std::optional<Bytes> cut_budget;
  int batch = 16;
  std::int64_t batches = 0;
  int epochs = 0;
  OptimizerChoice optimizer_choice;
  std::optional<Adaptation> adaptation;
  std::vector<std::string> fitted;  // What the first plan took back to fit the limit.
  std::unique_ptr<BatchStep> step;
  std::optional<Schedule> schedule;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;
  std::unique_ptr<EarlyStopping> stopper;
  std::unique_ptr<ResultsCsv> results;
  std::optional<TrainingLoader> loading;
  std::optional<RunFiles> files;
  std::unique_ptr<RunWatch> watch;
  std::filesystem::path resume_path;
  std::optional<double> resumed_momentum;  // What the checkpoint's optimizer was made with.
  RunPosition position;
  std::chrono::steady_clock::time_point started, saved_at, adapted_at;
  double images_per_second = 0;
  bool folder_is_new = false;
  bool published = false;
  bool mosaic_closed = false;
  bool ends_early = false;
  int recoveries = 0;
};

}  // namespace headroom
