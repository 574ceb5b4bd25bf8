// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/data/multi_scale.h"
#include "headroom/device/out_of_memory.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation_settings.h"
#include "headroom/optim/weight_update.h"
#include "headroom/train/train_choices.h"
#include "headroom/train/training_run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kSaveInterval(10);
constexpr int kMaxRecoveries = 3;
constexpr std::int64_t kShownPictures = 16;

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

bool TrainingRun::RunEpoch() {
  const int epoch = position.epoch;
  if (options.close_mosaic > 0 && epoch >= epochs - options.close_mosaic && !mosaic_closed) {
    if (epoch > 0) observer.OnMessage("Closing dataloader mosaic");
    loading->CloseMosaic();
    mosaic_closed = true;
  }
  AdaptAtBoundary();
  adapted_at = Clock::now();
  setup.loss->StartEpoch(epoch, epochs);
  observer.OnEpochStart(epoch, setup.loss->names());
  loading->loader().StartEpoch(epoch, position.next_batch * batch);
  Report(PlanPhase::kTrainStep, true);
  const auto epoch_start = Clock::now();
  std::int64_t images_done = 0;
  double last_loss = 0;
  for (std::int64_t k = position.next_batch; k < batches; ++k) {
    const std::int64_t first = k * batch;
    const std::int64_t count =
        std::min<std::int64_t>(batch, static_cast<std::int64_t>(setup.train_index->size()) - first);
    const Extent extent = BatchExtent(epoch, k);
    ShowPictures(epoch, k + batches * epoch, first, count);
    const BatchResult result = step->Run(loading->loader(), first, count, extent);
    last_loss = result.loss;
    images_done += count;
    position.epoch_items += result.items;
    MaybeStep(epoch, k);
    position.next_batch = k + 1;
    BatchEvent event{.epoch = epoch,
                     .epochs = epochs,
                     .batch = k,
                     .batches = batches,
                     .mean_items = position.epoch_items,
                     .instances = result.instances,
                     .image_width = static_cast<int>(extent.width)};
    event.mean_items /= static_cast<double>(k + 1);
    event.images_per_second =
        static_cast<double>(images_done) / std::max(Seconds(Clock::now() - epoch_start), 1e-9);
    images_per_second = event.images_per_second;
    const ResourceSample sample = watch->Latest();
    event.host_used = std::max(sample.process.rss, budget.used());
    event.host_limit = budget.limit();
    if (sample.gpu) {
      event.device_used = sample.gpu->used;
      event.device_limit = sample.gpu->total;  // Used by everybody, of all that there is.
    }
    observer.OnBatch(event);
    Report(PlanPhase::kTrainStep, false);
    if (k + 1 < batches && AdaptAtBoundary()) loading->loader().StartEpoch(epoch, (k + 1) * batch);
    AdaptWorkers();
    if (OutOfTime()) ends_early = true;
    if (stop && stop()) {
      Save("last.pt", {});
      return false;
    }
    if (options.save && k + 1 < batches && Clock::now() - saved_at >= kSaveInterval)
      Save("last.pt", {});
  }
  return EndEpoch(last_loss);
}

void TrainingRun::ShowPictures(int epoch, std::int64_t iteration, std::int64_t first,
                               std::int64_t count) {
  if (!observer.WantsPictures(epoch, iteration)) return;
  PipelinedLoader& loader = loading->loader();
  const std::int64_t shown =
      std::min<std::int64_t>({kShownPictures, count, loader.max_in_flight()});
  std::vector<const Sample*> samples;
  try {
    for (std::int64_t i = 0; i < shown; ++i) samples.push_back(&loader.Get(first + i));
  } catch (const std::exception& failure) {
    // The step asks for the same images, and knows what to do.
    if (!OutOfMemoryText(failure)) throw;
    return;
  }
  observer.OnBatchPictures({epoch, iteration, samples});
}

Extent TrainingRun::BatchExtent(int epoch, std::int64_t k) const {
  if (options.rect) return loading->ExtentOf(k * batch);
  const int side =
      MultiScaleSize(options.seed, epoch, k, options.image_width, options.multi_scale, kStride);
  return {side, side};
}

void TrainingRun::MaybeStep(int epoch, std::int64_t k) {
  const std::int64_t iteration = k + batches * epoch;
  if (iteration - position.last_step < schedule->Accumulate(iteration)) return;
  UpdateWeights(*setup.loaded.model.parameters, *optimizer, *ema, step->pending(),
                GroupSteps(epoch, iteration));
  position.last_step = iteration;
}

std::vector<GroupStep> TrainingRun::GroupSteps(int epoch, std::int64_t iteration) const {
  const double decay = schedule->ScaledWeightDecay(options.weight_decay);
  std::vector<GroupStep> steps;
  for (const ParameterGroup& group : optimizer->groups().groups) {
    steps.push_back({.lr = schedule->Lr(epoch, iteration, group),
                     .momentum = schedule->Momentum(iteration),
                     .weight_decay = group.decays ? decay : 0});
  }
  return steps;
}

double TrainingRun::Elapsed() const { return position.seconds + Seconds(Clock::now() - started); }

bool TrainingRun::OutOfTime() const {
  return options.time_hours && Elapsed() > *options.time_hours * 3600;
}

bool TrainingRun::EndEpoch(double last_loss) {
  const int epoch = position.epoch;
  EpochEvent event{.epoch = epoch,
                   .train_items = position.epoch_items,
                   .val_items = LossItems(setup.loss->names().size())};
  event.train_items /= static_cast<double>(batches);
  for (const GroupStep& group : GroupSteps(epoch, batches * (epoch + 1) - 1))
    event.lr.push_back(group.lr);
  const bool last = epoch + 1 >= epochs || ends_early;
  if (options.val || last) {
    ValidationLosses losses(*setup.loss, *setup.executor);
    event.metrics = ValidateEpoch(losses).metrics;
    event.validated = true;
    event.val_items = losses.Mean();
  }
  const double fitness = event.metrics.fitness();
  if (!std::isfinite(last_loss) || !std::isfinite(fitness)) {
    if (Recover()) return true;
  }
  event.seconds = Elapsed();
  results->Append(event);
  const bool stops = stopper->Update(epoch, fitness);
  position.best = !options.val || fitness >= stopper->best_fitness;
  UpdateEpochsByTime();
  position.next_batch = 0;
  position.epoch_items = {};
  ++position.epoch;  // A checkpoint says where to go on.
  // save=False leaves out what comes before the end.
  if (options.save || position.epoch >= epochs || stops || ends_early)
    SaveEpoch(epoch, event.metrics);
  --position.epoch;
  files->WriteText("results.csv", results->Text());
  SayActs();
  observer.OnEpochEnd(event);
  if (stops && !last) {
    observer.OnMessage(
        fmt::format("No improvement in the last {} epochs; the best was epoch {}. Stopping early "
                    "(patience={})",
                    options.patience, stopper->best_epoch + 1, options.patience));
    ends_early = true;
  }
  return true;
}

Validation TrainingRun::ValidateEpoch(ValidationLosses& losses) {
  try {
    return ValidateAverage(losses);
  } catch (const std::exception&) {
    if (options.save) Save("last.pt", {});
    throw;
  }
}

int TrainingRun::EpochsWithin(double seconds, double spent, int epochs_done) {
  const double mean = spent / epochs_done;
  return std::max(epochs_done, static_cast<int>(std::ceil(seconds / mean)));
}

void TrainingRun::UpdateEpochsByTime() {
  if (!options.time_hours || ends_early) return;
  epochs = EpochsWithin(*options.time_hours * 3600, Elapsed(), position.epoch + 1);
  schedule->set_epochs(epochs);
}

bool TrainingRun::Recover() {
  const fs::path last = files->Weights("last.pt");
  if (position.epoch == 0 || !fs::exists(last)) {
    observer.OnMessage("WARNING the loss is not finite; lower lr0= or check the labels");
    return false;
  }
  if (++recoveries > kMaxRecoveries)
    throw DataError("the loss became infinite or NaN four times; lower lr0= or use amp=False");
  Result<CheckpointContents> file = ReadCheckpoint(last);
  if (!file) throw DataError(file.error());
  const double spent = Elapsed();
  const RunPosition restored = RestoreCheckpoint(*file, Parts());
  setup.loaded.model.parameters->values.copy_(ema->values);
  setup.loaded.model.parameters->running.copy_(ema->running);
  setup.loaded.model.parameters->RefreshCompute();
  position = restored;
  position.seconds = spent;
  started = Clock::now();
  --position.epoch;  // The loop adds it again.
  observer.OnMessage(fmt::format(
      "WARNING the loss is not finite; epoch {} is repeated from the last checkpoint ({}/{})",
      position.epoch + 2, recoveries, kMaxRecoveries));
  return true;
}

Validation TrainingRun::ValidateAverage(ValidationLosses& losses) {
  ParameterStore& store = *setup.loaded.model.parameters;
  store.Swap(ema->values, ema->running);
  struct SwapBack {
    ParameterStore& store;
    Ema& ema;
    ~SwapBack() { store.Swap(ema.values, ema.running); }
  } swap_back{store, *ema};
  Report(PlanPhase::kValidation, true);
  ValidationEvents events;
  events.on_progress = [this](std::int64_t done, std::int64_t all) {
    observer.OnValidationProgress(done, all);
  };
  return ValidateModel(std::move(events), &losses);
}

Validation TrainingRun::ValidateModel(ValidationEvents events, LossMeter* losses) {
  events.on_out_of_memory = [this](const std::string& what, int failures) {
    SayActs();
    const Bytes freed = setup.GiveBackFreeBlocks();
    observer.OnAdaptation(fmt::format(
        "Memory: {} in validation. Gave back {}; {}the same images are run again",
        BeforeDetails(what), ToString(freed), failures > 1 ? "half as many at once, " : ""));
    return true;
  };
  std::optional<ModelDetector> detector;
  WithMemory("preparing a validation", [&] {
    detector.emplace(setup.loaded.model, *setup.executor, setup.names,
                     ModelDetectorOptions{.one_to_one = WantsOneToOne(options),
                                          .all_heads = losses != nullptr,
                                          .activation = setup.activation},
                     DetectorOptionsForValidation(options, *setup.val_index), &budget);
  });
  return Validate(*detector, *setup.val_index, HowToValidate(), events, &budget, losses);
}

ValidationOptions TrainingRun::HowToValidate() const {
  const TrainSettings& now = adaptation->now();
  ValidationOptions how = ValidationOptionsOf(options, *setup.val_index);
  how.batch = 2 * batch;
  how.at_once = now.validate_at_once;
  how.workers = std::max(now.workers, 1);
  how.prefetch = now.prefetch;
  return how;
}

}  // namespace headroom
