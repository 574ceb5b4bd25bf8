// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/trainer.h"

#include "headroom/config/run_folder.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/data/multi_scale.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/data/training_source.h"
#include "headroom/optim/gradient_clip.h"
#include "headroom/optim/schedule.h"
#include "headroom/train/checkpoint.h"
#include "headroom/train/model_files.h"
#include "headroom/train/reference_resume.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/train_choices.h"
#include "headroom/train/validator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

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
constexpr int kDefaultBatch = 16;
constexpr std::chrono::minutes kSaveInterval(10);
constexpr int kMaxRecoveries = 3;

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

struct Trainer::Run_ {
  Run_(Options o, Settings s, Budget& b, TrainObserver& w, std::function<bool()> f)
      : options(std::move(o)), settings(std::move(s)), budget(b), observer(w), stop(std::move(f)) {}

  TrainOutcome Run() {
    ReadResume();
    SetUpData();
    SetUpModel();
    SetUpFolder();
    SetUpOptimizer();
    Restore();
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
    if (!CanBeResumed(*file)) {
      throw ConfigError(
          fmt::format("{} is a finished checkpoint; nothing is left to resume. Start a "
                      "new training with model={} instead",
                      path, path));
    }
    resume_path = fs::absolute(path);
    resumed = std::move(*file);
  }

  void SetUpData() {
    device = ChooseDevice(options.device);
    data = ReadDatasetYaml(options.data, fs::absolute(settings.datasets_dir));
    names = ClassNames(data, options.single_cls);
    train_index.emplace(BuildIndex(data, "train", options, &budget, {}, {}));
    val_index.emplace(BuildIndex(data, "val", options, &budget, {}, {}));
    for (const auto& [split, index] :
         {std::pair{"train", &*train_index}, std::pair{"val", &*val_index}}) {
      const ScanCounts& c = index->counts();
      observer.OnMessage(fmt::format("{}: Scanning... {} images, {} backgrounds, {} corrupt", split,
                                     c.total, c.missing + c.empty, c.corrupt));
      for (const std::string& message : index->messages()) observer.OnMessage("WARNING " + message);
      if (!index->cache_note().empty()) observer.OnMessage(index->cache_note());
    }
    const auto images = static_cast<std::int64_t>(train_index->size());
    batch = static_cast<int>(options.batch >= 1 ? options.batch : kDefaultBatch);
    batch = static_cast<int>(std::min<std::int64_t>(batch, images));
    batches = (images + batch - 1) / batch;
    epochs = options.epochs;
  }

  void SetUpModel() {
    const PrecisionChoice precision = ChoosePrecision(options.amp, device);
    activation = precision.activation;
    loaded = LoadForTraining(options, static_cast<int>(names.size()), settings, device, activation);
    Model& model = loaded.model;
    trained_layers = TrainedLayers(options, model);
    MarkFrozen(trained_layers, *model.parameters);
    for (const LayerInfo& layer : model.layers) {
      observer.OnMessage(fmt::format("{:>3}{:>20}{:>3}{:>10}  {:<45}{:<30}", layer.index,
                                     fmt::format("{}", fmt::join(layer.from, ", ")), layer.repeats,
                                     layer.parameters, layer.module, layer.arguments));
    }
    observer.OnMessage(fmt::format(
        "{} summary: {} layers, {} parameters, {} gradients, {:.1f} GFLOPs", model.config.Name(),
        model.graph->nodes().size(), model.ParameterCount(), model.TrainedCount(),
        model.Gflops({options.image_height, options.image_width})));
    if (!loaded.transferred.empty()) observer.OnMessage(loaded.transferred);
    observer.OnMessage("Precision: " + precision.note);
    executor = std::make_unique<Executor>(*model.graph, *model.parameters, device);
    loss = std::make_unique<HeadLoss>(
        model, options, ClassWeights(options.cls_pw, static_cast<int>(names.size()), *train_index),
        device);
    const std::int64_t micro = std::min<std::int64_t>(options.microbatch.value_or(batch), batch);
    step =
        std::make_unique<BatchStep>(model, *executor, *loss,
                                    BatchStepOptions{.micro_batch = micro,
                                                     .activation = activation,
                                                     .recompute = ParseRecompute(options.recompute),
                                                     .trained_layers = trained_layers});
  }

  void SetUpFolder() {
    if (!resume_path.empty()) {
      folder = resume_path.parent_path().parent_path();
    } else {
      folder = ChooseRunFolder({.runs_dir = settings.runs_dir,
                                .mode = "train",
                                .project = options.project,
                                .name = options.name,
                                .exist_ok = options.exist_ok});
      CreateRunFolder(folder, true);
      options.set.Set("name", OptionValue(folder.filename().string()));
      WriteFileAtomic(folder / "args.yaml", options.set.ArgsYaml(folder.string()));
      WriteFileAtomic(folder / "headroom.yaml", options.set.HeadroomYaml());
    }
  }

  void SetUpOptimizer() {
    OptimizerChoice choice{ParseOptimizer(options.optimizer == "auto" ? "SGD" : options.optimizer),
                           options.lr0, options.momentum, options.warmup_bias_lr};
    if (options.optimizer == "auto") {
      const auto images = static_cast<double>(train_index->size());
      const auto iterations =
          static_cast<std::int64_t>(std::ceil(images / std::max(batch, options.nbs))) * epochs;
      choice = ChooseOptimizer(iterations, static_cast<int>(names.size()));
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
    ParameterStore& store = *loaded.model.parameters;
    optimizer = MakeOptimizer(choice.kind, store.parameters(), store.value_count(), device);
    ema = std::make_unique<Ema>(store);
    stopper = std::make_unique<EarlyStopping>(options.patience);
    results = std::make_unique<ResultsCsv>(folder / "results.csv", loss->third_name(),
                                           optimizer->groups().groups.size());
    observer.OnMessage(fmt::format("optimizer: {}(lr={}, momentum={}) with {} parameter groups",
                                   Name(choice.kind), choice.lr, choice.momentum,
                                   optimizer->groups().groups.size()));
  }

  void Restore() {
    if (!resumed) return;
    position = RestoreCheckpoint(*resumed, Parts());
    best_known = stopper->best_fitness > 0;
    observer.OnMessage(fmt::format("Resuming {} from epoch {}, batch {}", folder.string(),
                                   position.epoch + 1, position.next_batch));
    resumed.reset();
  }

  void Announce() {
    observer.OnMessage(fmt::format("Using {} train, {} val images at imgsz={}", train_index->size(),
                                   val_index->size(), options.image_width));
    observer.OnMessage(fmt::format("Using {} dataloader workers", Workers()));
    observer.OnMessage(fmt::format("Logging results to {}", folder.string()));
    observer.OnMessage(fmt::format("Starting training for {} epochs...", epochs));
    MakeLoader();
    started = Clock::now();
    saved_at = started;
  }

  [[nodiscard]] int Workers() const {
    const int cores = at::get_num_threads();
    if (options.workers < 0) return std::min(2, cores);
    return options.workers_typed ? options.workers : std::min(8, cores);
  }

  void MakeLoader() {
    TrainingSourceOptions source{.image_size = options.image_width,
                                 .batch = batch,
                                 .stride = kStride,
                                 .rect = options.rect,
                                 .seed = options.seed,
                                 .augment = Augmentations(options)};
    auto training = std::make_unique<TrainingSource>(source, *train_index, nullptr, &budget);
    rect_shapes = options.rect ? training.get() : nullptr;
    loader = std::make_unique<PipelinedLoader>(
        std::move(training),
        LoaderOptions{.workers = Workers(),
                      .max_in_flight = static_cast<int>(step->options().micro_batch)},
        &budget);
  }

  [[nodiscard]] CheckpointParts Parts() {
    return {loaded.model, *ema, *optimizer, *step, *stopper, *results, options, names};
  }

  // --- One epoch -------------------------------------------------------------------------------

  // False when the run was interrupted.
  bool RunEpoch() {
    const int epoch = position.epoch;
    if (options.close_mosaic > 0 && epoch >= epochs - options.close_mosaic && !mosaic_closed) {
      if (epoch > 0) observer.OnMessage("Closing dataloader mosaic");
      loader->CloseMosaic();
      mosaic_closed = true;
    }
    loss->StartEpoch(epoch, epochs);
    observer.OnEpochStart(epoch, loss->third_name());
    loader->StartEpoch(epoch, position.next_batch * batch);
    const auto epoch_start = Clock::now();
    std::int64_t images_done = 0;
    double last_loss = 0;
    for (std::int64_t k = position.next_batch; k < batches; ++k) {
      const std::int64_t first = k * batch;
      const std::int64_t count =
          std::min<std::int64_t>(batch, static_cast<std::int64_t>(train_index->size()) - first);
      const Extent extent = BatchExtent(epoch, k);
      const BatchResult result = step->Run(*loader, first, count, extent);
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
      observer.OnBatch(event);
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
    if (rect_shapes != nullptr) {
      const ImageSize shape = rect_shapes->ShapeOf(k * batch);
      return {shape.height, shape.width};
    }
    const int side =
        MultiScaleSize(options.seed, epoch, k, options.image_width, options.multi_scale, kStride);
    return {side, side};
  }

  void MaybeStep(int epoch, std::int64_t k) {
    const std::int64_t iteration = k + batches * epoch;
    if (iteration - position.last_step < schedule->Accumulate(iteration)) return;
    const double scale = ClipFactor(GradientNorm(step->pending()), kClipNorm);
    const std::vector<GroupStep> steps = GroupSteps(epoch, iteration);
    const double decay = ema->Begin();
    ParameterStore& store = *loaded.model.parameters;
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
      const ValidationResult result = Validate(loss.get());
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
    const fs::path last = folder / "weights" / "last.pt";
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
    loaded.model.parameters->values.copy_(ema->values);
    loaded.model.parameters->running.copy_(ema->running);
    loaded.model.parameters->RefreshCompute();
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
    ParameterStore& store = *loaded.model.parameters;
    store.Swap(ema->values, ema->running);
    struct SwapBack {
      ParameterStore& store;
      Ema& ema;
      ~SwapBack() { store.Swap(ema.values, ema.running); }
    } swap_back{store, *ema};
    Validator validator(loaded.model, *executor, *val_index, ValidationOptions(activation),
                        &budget);
    return validator.Run(
        with_loss, {},
        [this](std::int64_t done, std::int64_t all) { observer.OnValidationProgress(done, all); },
        {});
  }

  [[nodiscard]] ValidatorOptions ValidationOptions(Element element) const {
    return {.image_size = options.image_width,
            .batch = 2 * batch,
            .at_once = step->options().micro_batch,
            .workers = std::max(Workers(), 1),
            .confidence = static_cast<float>(options.conf.value_or(0.001)),
            .iou = static_cast<float>(options.iou),
            .max_detections = options.max_det,
            .agnostic = options.single_cls || options.agnostic_nms,
            .end_to_end =
                options.nms.has_value() && !*options.nms && loaded.model.one_to_one.has_value(),
            .activation = element,
            .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
  }

  // --- Saving ----------------------------------------------------------------------------------

  void SaveEpoch(int epoch, bool best, const DetectionMetrics& metrics) {
    if (!options.save) return;
    Save("last.pt", metrics);
    if (best) Copy("best.pt");
    if (options.save_period > 0 && epoch % options.save_period == 0)
      Copy(fmt::format("epoch{}.pt", epoch));
  }

  void Save(const std::string& file, const DetectionMetrics& metrics) {
    try {
      RunPosition now = position;
      now.seconds = Elapsed();
      SaveCheckpoint(folder / "weights" / file, Parts(), now, metrics);
      cannot_write = false;
    } catch (const WriteError& error) {
      cannot_write = true;
      observer.OnMessage(fmt::format(
          "ERROR {}; training goes on, the previous checkpoint is untouched", error.what()));
    }
    saved_at = Clock::now();
  }

  void Copy(const std::string& file) {
    if (cannot_write) return;
    try {
      Result<std::string> bytes = ReadFile(folder / "weights" / "last.pt");
      if (!bytes) throw WriteError(bytes.error());
      WriteFileAtomic(folder / "weights" / file, *bytes);
    } catch (const WriteError& error) {
      cannot_write = true;
      observer.OnMessage(fmt::format("ERROR {}; training goes on", error.what()));
    }
  }

  TrainOutcome Finish(bool finished) {
    loader.reset();
    const fs::path last = folder / "weights" / "last.pt";
    const std::string resume = fmt::format("yolo detect train model={} resume=True", last.string());
    if (!finished) {
      observer.OnMessage(fmt::format("Interrupted. Continue with: {}", resume));
      return {folder, true, cannot_write};
    }
    observer.OnMessage(fmt::format("\n{} epochs completed in {:.3f} hours.",
                                   std::min(position.epoch + 1, epochs), Elapsed() / 3600));
    for (const char* file : {"last.pt", "best.pt"}) {
      const fs::path path = folder / "weights" / file;
      if (!fs::exists(path)) continue;
      const std::uint64_t size = StripCheckpoint(path);
      observer.OnMessage(fmt::format("Optimizer stripped from {}, {:.1f}MB", path.string(),
                                     static_cast<double>(size) / 1e6));
    }
    ValidateBest();
    observer.OnMessage(fmt::format("Results saved to {}", folder.string()));
    return {folder, false, cannot_write};
  }

  void ValidateBest() {
    const fs::path best = folder / "weights" / "best.pt";
    if (!fs::exists(best)) return;
    Result<CheckpointContents> file = ReadCheckpoint(best);
    if (!file) throw DataError(file.error());
    observer.OnMessage(fmt::format("\nValidating {}...", best.string()));
    CopyWeights(*file, loaded.model);
    Validator validator(loaded.model, *executor, *val_index, ValidationOptions(activation),
                        &budget);
    const ValidationResult result = validator.Run(nullptr, {}, {}, {});
    observer.OnMessage(ValidationHeader());
    observer.OnMessage(ValidationSummaryRow(result.metrics));
    if (options.verbose && names.size() > 1) {
      for (const std::string& row : ValidationClassRows(result.metrics, names))
        observer.OnMessage(row);
    }
    observer.OnMessage(ValidationSpeedLine(result.speed));
  }

  Options options;
  Settings settings;
  Budget& budget;
  TrainObserver& observer;
  std::function<bool()> stop;

  at::Device device = at::kCPU;
  Element activation = Element::kFloat32;
  DatasetConfig data;
  std::vector<std::string> names;
  std::optional<DatasetIndex> train_index, val_index;
  int batch = 16;
  std::int64_t batches = 0;
  int epochs = 0;
  LoadedModel loaded;
  std::vector<bool> trained_layers;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<HeadLoss> loss;
  std::unique_ptr<BatchStep> step;
  std::optional<Schedule> schedule;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Ema> ema;
  std::unique_ptr<EarlyStopping> stopper;
  std::unique_ptr<ResultsCsv> results;
  std::unique_ptr<PipelinedLoader> loader;
  const TrainingSource* rect_shapes = nullptr;
  fs::path folder, resume_path;
  std::optional<CheckpointContents> resumed;
  RunPosition position;
  Clock::time_point started, saved_at;
  bool mosaic_closed = false;
  bool ends_early = false;
  bool best_known = false;
  bool cannot_write = false;
  int recoveries = 0;
};

Trainer::Trainer(Options options, Settings settings, Budget& budget, TrainObserver& observer,
                 std::function<bool()> stop)
    : run_(std::make_unique<Run_>(std::move(options), std::move(settings), budget, observer,
                                  std::move(stop))) {}

Trainer::~Trainer() = default;

TrainOutcome Trainer::Run() { return run_->Run(); }

}  // namespace headroom
