// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/dataset_yaml.h"
#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/data/dataset_index.h"
#include "headroom/graph/executor.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"
#include "headroom/monitor/gpu_memory.h"
#include "headroom/optim/schedule.h"
#include "headroom/train/head_loss.h"
#include "headroom/train/observer.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/train_plan.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// What a run does before anything had to give: batch and optimizer are decided, settings wanted.
struct RunChoice {
  BatchChoice batch;
  OptimizerChoice optimizer;
  TrainSettings wanted;
};

// What a training run has before its first step, and what a plan of it is made from: data, model,
// and the measurements of this process. `yolo memory plan` makes one and stops there.
class TrainingSetup {
 public:
  // The budget must outlive it.
  TrainingSetup(Options run_options, Settings run_settings, Budget& host_budget,
                TrainObserver& run_observer);

  // The device that the options name, and what may be held on it. Throws ConfigError.
  void SetUpDevice();
  // The data set's YAML: classes and where its images are. Throws where a split is missing.
  void ReadDataset();
  // Builds the model for these classes, copies weights, prints the layer table.
  void BuildNetwork();
  // Finds and checks images and labels, which may take minutes; makes the loss, whose class weights
  // need them.
  void ReadData();
  // The optimizer for a batch size; with auto also what options.set says of it.
  [[nodiscard]] OptimizerChoice DecideOptimizer(int batch) const;
  // Runs the step on a few images to see what convolutions need, then counts what the process
  // holds that no row names, and reserves it. Two seconds for YOLO11n at 640 on two cores.
  void MeasureProcess();
  // Counts the runtime again: every other shape that a step runs with leaves kernels and heap
  // behind.
  void RecountRuntime();
  // The executor's arena, and what the allocator keeps for the next request. How much that was.
  Bytes GiveBackFreeBlocks();
  [[nodiscard]] PlanSubject Subject(OptimizerKind optimizer) const;
  // With options in place of the run's, which must outlive it.
  [[nodiscard]] PlanSubject Subject(OptimizerKind optimizer, const Options& changed) const;
  // What a run of these options does where nothing has to give.
  [[nodiscard]] RunChoice Choose(const Options& changed, const PlanLimits& limits) const;
  // The host's budget as the plan's limit.
  [[nodiscard]] PlanLimits Limits() const;

  [[nodiscard]] int cores() const { return cores_; }

  Options options;
  Settings settings;
  Budget& budget;
  TrainObserver& observer;
  at::Device device = at::kCPU;
  MemoryPlace place = MemoryPlace::kHost;
  std::optional<Element> kept_precision;  // Of the run that goes on, where amp= was not typed.
  Element activation = Element::kFloat32;
  DatasetConfig data;
  std::vector<std::string> names;
  std::optional<DatasetIndex> train_index, val_index;
  LoadedModel loaded;
  std::vector<bool> trained_layers;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<HeadLoss> loss;
  PlanLimit device_limit;
  std::unique_ptr<GpuMemory> gpu;  // The driver's view of an NVIDIA device, for the watch.
  PhaseBytes unplanned{};          // What every plan leaves free (KillLesson).
  Bytes machine_limit;             // Of which the budget is a part.

 private:
  [[nodiscard]] MeasuredScratch MeasureScratch();
  [[nodiscard]] std::int64_t MeasurableImages(const Extent& extent) const;
  void Announce(const std::string& split, const DatasetIndex& index);
  void AnnounceModel();

  int cores_ = 1;
  MeasuredScratch scratch_;
  Bytes runtime_;
  Reservation runtime_reservation_;
};

}  // namespace headroom
