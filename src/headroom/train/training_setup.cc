// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/training_setup.h"

#include "headroom/core/error.h"
#include "headroom/monitor/device_budget.h"
#include "headroom/monitor/effective_limit.h"
#include "headroom/nn/model_summary.h"
#include "headroom/train/train_choices.h"
#include "headroom/train/training_loader.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace headroom {

TrainingSetup::TrainingSetup(Options run_options, Settings run_settings, Budget& host_budget,
                             TrainObserver& run_observer)
    : options(std::move(run_options)),
      settings(std::move(run_settings)),
      budget(host_budget),
      observer(run_observer),
      machine_limit(FindEffectiveLimit().smallest.bytes),
      cores_(at::get_num_threads()) {}

void TrainingSetup::Announce(const std::string& split, const DatasetIndex& index) {
  const ScanCounts& c = index.counts();
  observer.OnMessage(fmt::format("{}: Scanning... {} images, {} backgrounds, {} corrupt", split,
                                 c.total, c.missing + c.empty, c.corrupt));
  for (const std::string& message : index.messages()) observer.OnMessage("WARNING " + message);
  if (!index.cache_note().empty()) observer.OnMessage(index.cache_note());
}

void TrainingSetup::SetUpDevice() {
  device = ChooseDevice(options.device);
  if (!device.is_cuda()) return;
  place = MemoryPlace::kDevice;
  Result<std::unique_ptr<GpuMemory>> opened = GpuMemory::Open();
  if (!opened) {
    observer.OnMessage(fmt::format("WARNING {}: the device's memory is neither watched nor bounded",
                                   opened.error()));
    return;
  }
  const Result<MemoryLimit> limit = DeviceBudget(**opened, device.index(), options.vram);
  if (!limit) throw ConfigError(limit.error());
  device_limit = {limit->bytes, limit->origin};
  gpu = std::move(*opened);
}

void TrainingSetup::ReadDataset() {
  data = ReadDatasetYaml(options.data, std::filesystem::absolute(settings.datasets_dir));
  for (const char* split : {"train", "val"}) static_cast<void>(data.Split(split));
  names = ClassNames(data, options.single_cls);
}

void TrainingSetup::ReadData() {
  train_index.emplace(BuildIndex(data, "train", options, &budget));
  Announce("train", *train_index);
  val_index.emplace(BuildIndex(data, "val", options, &budget));
  Announce("val", *val_index);
  loss = std::make_unique<HeadLoss>(
      loaded.model, options,
      ClassWeights(options.cls_pw, static_cast<int>(names.size()), *train_index), device);
}

void TrainingSetup::BuildNetwork() {
  const PrecisionChoice precision = ChoosePrecision(options.amp, device, kept_precision);
  activation = precision.activation;
  loaded = LoadForTraining(options, names, settings, device, activation);
  loaded.file.reset();  // Its weights are in the model now; it must not count as the process's own.
  MarkFrozen(options, *loaded.model.parameters);
  trained_layers = TrainedLayers(loaded.model);
  AnnounceModel();
  observer.OnMessage("Precision: " + precision.note);
  executor = std::make_unique<Executor>(*loaded.model.graph, *loaded.model.parameters, device);
}

void TrainingSetup::AnnounceModel() {
  const Model& model = loaded.model;
  for (const LayerInfo& layer : model.layers) {
    if (!options.verbose) break;
    observer.OnMessage(fmt::format("{:>3}{:>20}{:>3}{:>10}  {:<45}{:<30}", layer.index,
                                   fmt::format("{}", fmt::join(layer.from, ", ")), layer.repeats,
                                   layer.parameters, layer.module, layer.arguments));
  }
  observer.OnMessage(SummaryLine(model, ModelForm::kTraining));
  if (!loaded.transferred.empty()) observer.OnMessage(loaded.transferred);
}

OptimizerChoice TrainingSetup::DecideOptimizer(int batch) const {
  if (options.optimizer != "auto") {
    return {ParseOptimizer(options.optimizer), options.lr0, options.momentum,
            options.warmup_bias_lr};
  }
  const auto images = static_cast<double>(train_index->size());
  const auto iterations =
      static_cast<std::int64_t>(std::ceil(images / std::max(batch, options.nbs))) * options.epochs;
  return ChooseOptimizer(iterations, static_cast<int>(names.size()));
}

Bytes TrainingSetup::GiveBackFreeBlocks() {
  if (executor) executor->Unload();
  return budget.Reclaim(budget.ledger().Read().row(MemoryTag::kFreeBlocks).now, ReclaimTime::kNow,
                        ReclaimOrder::kFreeBlocks);
}

PlanSubject TrainingSetup::Subject(OptimizerKind optimizer) const {
  return Subject(optimizer, options);
}

PlanSubject TrainingSetup::Subject(OptimizerKind optimizer, const Options& changed) const {
  return {.model = loaded.model,
          .options = changed,
          .train = *train_index,
          .val = *val_index,
          .optimizer = optimizer,
          .activation = activation,
          .trained_layers = trained_layers,
          .place = place,
          .runtime = runtime_,
          .unplanned = unplanned,
          .scratch = scratch_};
}

RunChoice TrainingSetup::Choose(const Options& changed, const PlanLimits& limits) const {
  const int probe = changed.batch >= 1 ? static_cast<int>(changed.batch) : kDefaultBatch;
  RunChoice choice;
  choice.batch = ChooseBatch(Subject(DecideOptimizer(probe).kind, changed),
                             InitialSettings(changed, probe, cores_), limits);
  choice.optimizer = DecideOptimizer(choice.batch.images);
  choice.wanted = InitialSettings(changed, choice.batch.images, cores_);
  choice.wanted.cache_limit = WholeRamCache(changed, *train_index);
  return choice;
}

PlanLimits TrainingSetup::Limits() const {
  PlanLimits limits;
  limits[0] = {budget.limit(), budget.origin()};
  limits[1] = device_limit;
  return limits;
}

}  // namespace headroom
