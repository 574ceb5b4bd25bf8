// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/trainer.h"

#include "headroom/config/run_folder.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/data/multi_scale.h"
#include "headroom/optim/gradient_clip.h"
#include "headroom/optim/schedule.h"
#include "headroom/train/adaptation.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/model_files.h"
#include "headroom/train/out_of_memory.h"
#include "headroom/train/run_files.h"
#include "headroom/train/run_watch.h"
#include "headroom/train/train_choices.h"
#include "headroom/train/training_loader.h"
#include "headroom/train/training_setup.h"
#include "headroom/train/validator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kClipNorm = 10;
constexpr int kStride = 32;
constexpr std::chrono::minutes kSaveInterval(10);
constexpr int kMaxRecoveries = 3;

// Who holds what is for the error that ends a run.
std::string Short(const std::string& text) { return text.substr(0, text.find(" (")); }

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

struct Trainer::Run_ {
  Run_(Options o, Settings s, Budget& b, TrainObserver& w, std::function<bool()> f)
      : setup(std::move(o), std::move(s), b, w),
        options(setup.options),
        budget(b),
        observer(w),
        stop(std::move(f)) {}

  TrainOutcome Run() {
    ReadResume();
    SetUpData();
    setup.BuildNetwork();
    setup.MeasureProcess();
    Plan();
    SetUpFolder();
    SetUpStep();
    SetUpOptimizer();
    Restore();
    WarmUp();
    Announce();
    bool finished = true;
    for (; position.epoch < epochs; ++position.epoch) {
      if (!RunEpoch()) {
        finished = false;
        break;
      }
      if (ends_early) break;
    }
    return Finish(finished);
  }

  // --- Setup -----------------------------------------------------------------------------------

  void ReadResume() {
    if (!options.resume) return;
    const std::string path = options.resume_file.empty() ? options.model : options.resume_file;
    Result<CheckpointContents> file = ReadCheckpoint(path);
    if (!file) throw ConfigError(fmt::format("resume: {}", file.error()));
    if (file->headroom == nullptr || file->headroom->Find("values") == nullptr) {
      throw ConfigError(
          fmt::format("{} is a finished or foreign checkpoint; nothing is left to resume. Start a "
                      "new training with model={} instead",
                      path, path));
    }
    resume_path = fs::absolute(path);
    resumed = std::move(*file);
  }

  void SetUpData() {
    setup.device = ChooseDevice(options.device);
    setup.ReadData();
    epochs = options.epochs;
  }

  // Chooses batch and settings, and prints what the run will need.
  void Plan() {
    const PlanLimits limits = setup.Limits();
    std::string why;
    const TrainSettings first = InitialSettings(options, 16, setup.cores());
    batch = ChooseBatch(setup.Subject(), first, limits, &why);
    if (!why.empty()) observer.OnMessage(why);
    const auto images = static_cast<std::int64_t>(setup.train_index->size());
    batches = (images + batch - 1) / batch;
    optimizer_choice = setup.DecideOptimizer(batch);
    TrainSettings wanted = InitialSettings(options, batch, setup.cores());
    wanted.cache_limit = WholeRamCache(options, *setup.train_index);
    adaptation.emplace(setup, optimizer_choice.kind, wanted);
    const std::vector<std::string> taken = adaptation->FitFirst();
    observer.OnMessage("\nMemory plan: " + Describe(adaptation->now()));
    for (const std::string& line : taken) observer.OnMessage("  to fit the limit: " + line);
    observer.OnMessage(FormatPlan(adaptation->plan(), limits));
    observer.OnMessage(ExplainReferenceFor(adaptation->subject(), adaptation->now(), setup.cores(),
                                           0, setup.machine_limit));
  }

  void SetUpFolder() {
    fs::path folder;
    if (!resume_path.empty()) {
      folder = resume_path.parent_path().parent_path();
    } else {
      folder = ClaimRunFolder({.runs_dir = setup.settings.runs_dir,
                               .mode = "train",
                               .project = options.project,
                               .name = options.name,
                               .exist_ok = options.exist_ok},
                              true);
      options.set.Set("name", OptionValue(folder.filename().string()));
      WriteFileAtomic(folder / "args.yaml", options.set.ArgsYaml(folder.string()));
    }
    const std::vector<std::pair<std::string, OptionValue>> resolved = {
        {"threads", OptionValue(std::int64_t{setup.cores()})},
        {"precision", OptionValue(setup.activation == Element::kBFloat16 ? "bf16" : "fp32")},
        {"batch_images", OptionValue(std::int64_t{batch})},
        {"micro_batch_images", OptionValue(adaptation->now().micro_batch)}};
    WriteFileAtomic(folder / "headroom.yaml", options.set.HeadroomYaml(resolved));
    WriteFileAtomic(folder / "memory_plan.json",
                    PlanToJson(adaptation->plan(), adaptation->limits()));
    files.emplace(folder, observer);
    watch = std::make_unique<RunWatch>(folder, ResumeCommand(), adaptation->SmallestPeak(), budget);
  }

  [[nodiscard]] std::string ResumeCommand() const {
    return fmt::format("yolo detect train model={} resume=True",
                       files->Weights("last.pt").string());
  }

  void SetUpStep() {
    const TrainSettings& now = adaptation->now();
    step = std::make_unique<BatchStep>(setup.loaded.model, *setup.executor, *setup.loss,
                                       BatchStepOptions{.micro_batch = now.micro_batch,
                                                        .activation = setup.activation,
                                                        .recompute = now.recompute,
                                                        .trained_layers = setup.trained_layers});
    step->on_out_of_memory = [this](const std::string& what, int failures) {
      return MakeRoom(what, failures);
    };
    loading.emplace(options, *setup.train_index, setup.cores(), budget, observer);
  }

  void SetUpOptimizer() {
    const OptimizerChoice& choice = optimizer_choice;
    if (options.optimizer == "auto") {
      options.set.Set("optimizer", OptionValue(std::string(Name(choice.kind))));
      options.set.Set("lr0", OptionValue(choice.lr));
      options.set.Set("warmup_bias_lr", OptionValue(0.0));
    }
    const bool has_momentum = choice.kind == OptimizerKind::kSgd ||
                              choice.kind == OptimizerKind::kRmsProp ||
                              choice.kind == OptimizerKind::kMuSgd;
    schedule.emplace(ScheduleOptions{.epochs = epochs,
                                     .batches = batches,
                                     .batch = batch,
                                     .nominal_batch = options.nbs,
                                     .lr = choice.lr,
                                     .final_share = options.lrf,
                                     .cosine = options.cos_lr,
                                     .momentum = options.momentum,
                                     .warms_momentum = has_momentum,
                                     .optimizer_momentum = choice.momentum,
                                     .warmup_epochs = options.warmup_epochs,
                                     .warmup_momentum = options.warmup_momentum,
                                     .warmup_bias_lr = choice.warmup_bias_lr});
    ParameterStore& store = *setup.loaded.model.parameters;
    optimizer = MakeOptimizer(choice.kind, store.parameters(), store.value_count(), setup.device);
    ema = std::make_unique<Ema>(store);
    stopper = std::make_unique<EarlyStopping>(options.patience);
    results =
        std::make_unique<ResultsCsv>(files->folder() / "results.csv", setup.loss->third_name(),
                                     optimizer->groups().groups.size());
    observer.OnMessage(fmt::format("optimizer: {}(lr={}, momentum={}) with {} parameter groups",
                                   Name(choice.kind), choice.lr, choice.momentum,
                                   optimizer->groups().groups.size()));
  }

  void Restore() {
    if (!resumed) return;
    position = RestoreCheckpoint(*resumed, Parts());
    best_known = stopper->best_fitness > 0;
    observer.OnMessage(fmt::format("Resuming {} from epoch {}, batch {}", files->folder().string(),
                                   position.epoch + 1, position.next_batch));
    resumed.reset();
  }

  // A step on the worst size and the densest image, before anything depends on it: what does not
  // fit shows here. Its results are thrown away.
  void WarmUp() {
    const PlanSubject subject = adaptation->subject();
    for (int failures = 0;;) {
      try {
        step->WarmUp(std::min<std::int64_t>(step->options().micro_batch, batch),
                     subject.LargestExtent(),
                     std::max<std::int64_t>(1, setup.train_index->labels().MaxCount()));
        break;
      } catch (const std::exception& failure) {
        const std::optional<std::string> what = OutOfMemoryText(failure);
        if (!what || !MakeRoom(*what, ++failures)) throw;
      }
    }
    loading->Make(adaptation->now());
  }

  void Announce() {
    const fs::path& folder = files->folder();
    observer.OnMessage(fmt::format("Using {} train, {} val images at imgsz={}",
                                   setup.train_index->size(), setup.val_index->size(),
                                   options.image_width));
    observer.OnMessage(fmt::format("Using {} dataloader workers", loading->loader().workers()));
    observer.OnMessage(fmt::format("Logging results to {}", folder.string()));
    observer.OnMessage(fmt::format("Starting training for {} epochs...", epochs));
    started = Clock::now();
    saved_at = started;
    adapted_at = started;
  }

  // --- Memory ----------------------------------------------------------------------------------

  // The arena, and what the allocator keeps for the next request.
  Bytes GiveBackFreeBlocks() {
    setup.executor->Unload();
    return budget.Reclaim(budget.ledger().Read().row(MemoryTag::kFreeBlocks).now,
                          ReclaimTime::kNow);
  }

  // A micro-batch could not get its memory: free blocks first, then the next step of the ladder.
  bool MakeRoom(const std::string& what, int failures) {
    const Bytes freed = GiveBackFreeBlocks();
    if (failures == 1) {
      observer.OnMessage(
          fmt::format("Memory: {}. Gave back {} of free blocks; the same images are run again",
                      Short(what), ToString(freed)));
      return true;
    }
    const std::optional<SettingsChange> change = adaptation->AfterFailure();
    if (!change) return false;
    observer.OnMessage(fmt::format("Memory: {}; the same images are run again", change->line));
    Adopt(change->settings);
    return true;
  }

  void Adopt(const TrainSettings& settings) {
    // The ring holds as many images at once as it was made for.
    const std::int64_t most =
        loading->made() ? loading->loader().max_in_flight() : settings.micro_batch;
    step->set_micro_batch(std::min<std::int64_t>(settings.micro_batch, most));
    step->set_recompute(settings.recompute);
  }

  // Between two batches: what the watch did, and whether the plan must change.
  void AdaptAtBoundary(std::int64_t next_position) {
    for (const std::string& line : watch->TakeLines()) observer.OnMessage(line);
    const double elapsed = Seconds(Clock::now() - adapted_at);
    adapted_at = Clock::now();
    if (const std::optional<SettingsChange> change = adaptation->AtBoundary()) {
      observer.OnMessage(change->line);
      Adopt(change->settings);
      setup.executor->Unload();
      // Loading follows: images lost from the pool are decoded again, samples stay the same.
      loading->Make(change->settings);
      loading->loader().StartEpoch(position.epoch, next_position);
      step->set_micro_batch(change->settings.micro_batch);
    }
    if (options.workers < 0) {
      const bool pressure = budget.used() > budget.limit();
      if (const auto line = loading->AdaptWorkers(elapsed, !pressure, pressure))
        observer.OnMessage(*line);
    }
  }

  void Report(PlanPhase phase, bool sync) {
    RunState state;
    state.phase = phase;
    state.epoch = position.epoch + 1;
    state.epochs = epochs;
    state.batch = static_cast<std::int32_t>(position.next_batch);
    state.batches = static_cast<std::int32_t>(batches);
    state.batch_size = batch;
    state.micro_batch = static_cast<std::int32_t>(step->options().micro_batch);
    state.workers = loading->made() ? loading->loader().workers() : 0;
    state.imgsz = options.image_width;
    state.images_per_s = images_per_second;
    state.end = ended;
    if (sync) {
      watch->UpdateAndSync(state);
    } else {
      watch->Update(state);
    }
  }

  [[nodiscard]] CheckpointParts Parts() {
    return {setup.loaded.model, *ema, *optimizer, *step, *stopper, *results, options, setup.names};
  }

  // --- One epoch -------------------------------------------------------------------------------

  // False when the run was interrupted.
  bool RunEpoch() {
    const int epoch = position.epoch;
    if (options.close_mosaic > 0 && epoch >= epochs - options.close_mosaic && !mosaic_closed) {
      if (epoch > 0) observer.OnMessage("Closing dataloader mosaic");
      loading->CloseMosaic();
      mosaic_closed = true;
    }
    setup.loss->StartEpoch(epoch, epochs);
    observer.OnEpochStart(epoch, setup.loss->third_name());
    loading->loader().StartEpoch(epoch, position.next_batch * batch);
    Report(PlanPhase::kTrainStep, true);
    const auto epoch_start = Clock::now();
    std::int64_t images_done = 0;
    double last_loss = 0;
    for (std::int64_t k = position.next_batch; k < batches; ++k) {
      const std::int64_t first = k * batch;
      const std::int64_t count = std::min<std::int64_t>(
          batch, static_cast<std::int64_t>(setup.train_index->size()) - first);
      const Extent extent = BatchExtent(epoch, k);
      const BatchResult result = step->Run(loading->loader(), first, count, extent);
      last_loss = result.loss;
      images_done += count;
      for (std::size_t i = 0; i < 3; ++i) position.epoch_items[i] += result.items[i];
      MaybeStep(epoch, k);
      position.next_batch = k + 1;
      BatchEvent event{.epoch = epoch,
                       .epochs = epochs,
                       .batch = k,
                       .batches = batches,
                       .instances = result.instances,
                       .image_width = static_cast<int>(extent.width)};
      for (std::size_t i = 0; i < 3; ++i)
        event.mean_items[i] = position.epoch_items[i] / static_cast<double>(k + 1);
      event.images_per_second =
          static_cast<double>(images_done) / std::max(Seconds(Clock::now() - epoch_start), 1e-9);
      images_per_second = event.images_per_second;
      const ResourceSample sample = watch->Latest();
      event.host_used = std::max(sample.process.rss, budget.used());
      event.host_limit = budget.limit();
      if (sample.gpu) {
        event.device_used = sample.gpu->used;
        event.device_limit = sample.gpu->total;
      }
      observer.OnBatch(event);
      Report(PlanPhase::kTrainStep, false);
      if (k + 1 < batches) AdaptAtBoundary((k + 1) * batch);
      if (OutOfTime()) ends_early = true;
      if (stop && stop()) {
        Save("last.pt", {});
        return false;
      }
      if (k + 1 < batches && Clock::now() - saved_at >= kSaveInterval) Save("last.pt", {});
    }
    return EndEpoch(last_loss);
  }

  [[nodiscard]] Extent BatchExtent(int epoch, std::int64_t k) const {
    if (options.rect) return loading->ExtentOf(k * batch);
    const int side =
        MultiScaleSize(options.seed, epoch, k, options.image_width, options.multi_scale, kStride);
    return {side, side};
  }

  void MaybeStep(int epoch, std::int64_t k) {
    const std::int64_t iteration = k + batches * epoch;
    if (iteration - position.last_step < schedule->Accumulate(iteration)) return;
    ClearFrozen(*setup.loaded.model.parameters, step->pending());
    const double scale = ClipFactor(GradientNorm(step->pending()), kClipNorm);
    const std::vector<GroupStep> steps = GroupSteps(epoch, iteration);
    const double decay = ema->Begin();
    ParameterStore& store = *setup.loaded.model.parameters;
    optimizer->Step({.values = store.values,
                     .gradients = step->pending(),
                     .gradient_scale = scale,
                     .ema = ema->values,
                     .ema_decay = decay,
                     .compute = store.compute},
                    steps);
    ema->Average(store, decay, false);
    step->pending().zero_();
    position.last_step = iteration;
  }

  [[nodiscard]] std::vector<GroupStep> GroupSteps(int epoch, std::int64_t iteration) const {
    const double decay = schedule->ScaledWeightDecay(options.weight_decay);
    std::vector<GroupStep> steps;
    for (const ParameterGroup& group : optimizer->groups().groups) {
      steps.push_back({.lr = schedule->Lr(epoch, iteration, group),
                       .momentum = schedule->Momentum(iteration),
                       .weight_decay = group.decays ? decay : 0});
    }
    return steps;
  }

  [[nodiscard]] double Elapsed() const {
    return position.seconds + Seconds(Clock::now() - started);
  }
  [[nodiscard]] bool OutOfTime() const {
    return options.time_hours && Elapsed() > *options.time_hours * 3600;
  }

  bool EndEpoch(double last_loss) {
    const int epoch = position.epoch;
    EpochEvent event{.epoch = epoch};
    for (std::size_t i = 0; i < 3; ++i)
      event.train_items[i] = position.epoch_items[i] / static_cast<double>(batches);
    for (const GroupStep& group : GroupSteps(epoch, batches * (epoch + 1) - 1))
      event.lr.push_back(group.lr);
    const bool last = epoch + 1 >= epochs || ends_early;
    if (options.val || last) {
      const ValidationResult result = Validate(setup.loss.get());
      event.validated = true;
      event.metrics = result.metrics;
      if (result.losses) event.val_items = *result.losses;
    }
    const double fitness = event.metrics.fitness();
    if (!std::isfinite(last_loss) || !std::isfinite(fitness)) {
      if (Recover()) return true;
    }
    event.seconds = Elapsed();
    results->Append(event);
    const bool best = !options.val || !best_known || fitness > stopper->best_fitness;
    best_known = true;
    const bool stops = stopper->Update(epoch, fitness);
    position.next_batch = 0;
    position.epoch_items = {};
    ++position.epoch;  // A checkpoint says where to go on.
    SaveEpoch(epoch, best, event.metrics);
    --position.epoch;
    observer.OnEpochEnd(event);
    if (stops && !last) {
      observer.OnMessage(
          fmt::format("No improvement in the last {} epochs; the best was epoch {}. Stopping early "
                      "(patience={})",
                      options.patience, stopper->best_epoch + 1, options.patience));
      ends_early = true;
    }
    UpdateEpochsByTime();
    return true;
  }

  // With time= the number of epochs follows the mean epoch so far.
  void UpdateEpochsByTime() {
    if (!options.time_hours || ends_early) return;
    const double mean = Elapsed() / (position.epoch + 1);
    epochs = std::max(position.epoch + 1,
                      static_cast<int>(std::ceil(*options.time_hours * 3600 / mean)));
    schedule->set_epochs(epochs);
  }

  // Non-finite loss: from the second epoch of a run on, back to the last checkpoint, three times.
  bool Recover() {
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

  ValidationResult Validate(HeadLoss* with_loss) {
    ParameterStore& store = *setup.loaded.model.parameters;
    store.Swap(ema->values, ema->running);
    struct SwapBack {
      ParameterStore& store;
      Ema& ema;
      ~SwapBack() { store.Swap(ema.values, ema.running); }
    } swap_back{store, *ema};
    Report(PlanPhase::kValidation, true);
    return MakeValidator().Run(
        with_loss, {},
        [this](std::int64_t done, std::int64_t all) { observer.OnValidationProgress(done, all); },
        {});
  }

  [[nodiscard]] Validator MakeValidator() {
    Validator validator(setup.loaded.model, *setup.executor, *setup.val_index, ValidationOptions(),
                        &budget);
    validator.on_out_of_memory = [this](const std::string& what, int failures) {
      const Bytes freed = GiveBackFreeBlocks();
      observer.OnMessage(
          fmt::format("Memory: {} in validation. Gave back {}; {}the same images are run again",
                      Short(what), ToString(freed), failures > 1 ? "half as many at once, " : ""));
      return true;
    };
    return validator;
  }

  [[nodiscard]] ValidatorOptions ValidationOptions() const {
    return {.image_size = options.image_width,
            .batch = 2 * batch,
            .at_once = adaptation->now().validate_at_once,
            .workers = std::max(adaptation->now().workers, 1),
            .confidence = static_cast<float>(options.conf.value_or(0.001)),
            .iou = static_cast<float>(options.iou),
            .max_detections = options.max_det,
            .agnostic = options.single_cls || options.agnostic_nms,
            .end_to_end = options.nms.has_value() && !*options.nms &&
                          setup.loaded.model.one_to_one.has_value(),
            .activation = setup.activation,
            .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
  }

  // --- Saving ----------------------------------------------------------------------------------

  void SaveEpoch(int epoch, bool best, const DetectionMetrics& metrics) {
    if (!options.save) return;
    Save("last.pt", metrics);
    if (best) files->CopyLast("best.pt");
    if (options.save_period > 0 && epoch % options.save_period == 0)
      files->CopyLast(fmt::format("epoch{}.pt", epoch));
  }

  void Save(const std::string& file, const DetectionMetrics& metrics) {
    Report(PlanPhase::kSave, false);
    RunPosition now = position;
    now.seconds = Elapsed();
    files->Save(file, Parts(), now, metrics);
    saved_at = Clock::now();
  }

  TrainOutcome Finish(bool finished) {
    loading.reset();
    const fs::path& folder = files->folder();
    if (!finished) {
      End(RunEnd::kFinished);
      SayMemory();
      observer.OnMessage(fmt::format("Interrupted. Continue with: {}", ResumeCommand()));
      return {folder, true, files->cannot_write()};
    }
    observer.OnMessage(fmt::format("\n{} epochs completed in {:.3f} hours.",
                                   std::min(position.epoch + 1, epochs), Elapsed() / 3600));
    GiveBackFreeBlocks();
    files->Strip();
    ValidateBest();
    End(RunEnd::kFinished);
    observer.OnMessage(fmt::format("Results saved to {}", folder.string()));
    SayMemory();
    observer.OnMessage(fmt::format("Train on with: yolo detect train model={} data={}",
                                   files->Weights("last.pt").string(), options.data));
    return {folder, false, files->cannot_write()};
  }

  void End(RunEnd end) {
    ended = end;
    RunState state;
    state.end = end;
    state.epoch = std::min(position.epoch + 1, epochs);
    state.epochs = epochs;
    watch->UpdateAndSync(state);
  }

  void SayMemory() {
    observer.OnMessage(watch->SummaryLine());
    observer.OnMessage(fmt::format("Memory: planned peak {}, actual peak {}, limit {} ({})",
                                   ToString(adaptation->plan().Peak(MemoryPlace::kHost)),
                                   ToString(watch->Summary().peak_rss), ToString(budget.limit()),
                                   budget.origin()));
  }

  void ValidateBest() {
    const fs::path best = files->Weights("best.pt");
    if (!fs::exists(best)) return;
    Result<CheckpointContents> file = ReadCheckpoint(best);
    if (!file) throw DataError(file.error());
    observer.OnMessage(fmt::format("\nValidating {}...", best.string()));
    CopyWeights(*file, setup.loaded.model);
    const ValidationResult result = MakeValidator().Run(nullptr, {}, {}, {});
    observer.OnMessage(ValidationHeader());
    observer.OnMessage(ValidationSummaryRow(result.metrics));
    if (options.verbose && setup.names.size() > 1) {
      for (const std::string& row : ValidationClassRows(result.metrics, setup.names))
        observer.OnMessage(row);
    }
    observer.OnMessage(ValidationSpeedLine(result.speed));
  }

  TrainingSetup setup;
  Options& options;  // The setup's.
  Budget& budget;
  TrainObserver& observer;
  std::function<bool()> stop;

  int batch = 16;
  std::int64_t batches = 0;
  int epochs = 0;
  OptimizerChoice optimizer_choice;
  std::optional<Adaptation> adaptation;
  std::unique_ptr<BatchStep> step;
  std::optional<Schedule> schedule;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;
  std::unique_ptr<EarlyStopping> stopper;
  std::unique_ptr<ResultsCsv> results;
  std::optional<TrainingLoader> loading;
  std::optional<RunFiles> files;
  std::unique_ptr<RunWatch> watch;
  fs::path resume_path;
  std::optional<CheckpointContents> resumed;
  RunPosition position;
  RunEnd ended = RunEnd::kNone;
  Clock::time_point started, saved_at, adapted_at;
  double images_per_second = 0;
  bool mosaic_closed = false;
  bool ends_early = false;
  bool best_known = false;
  int recoveries = 0;
};

Trainer::Trainer(Options options, Settings settings, Budget& budget, TrainObserver& observer,
                 std::function<bool()> stop)
    : run_(std::make_unique<Run_>(std::move(options), std::move(settings), budget, observer,
                                  std::move(stop))) {}

Trainer::~Trainer() = default;

TrainOutcome Trainer::Run() { return run_->Run(); }

}  // namespace headroom
