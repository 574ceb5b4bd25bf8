// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/train_plan.h"

#include "headroom/data/disk_image_cache.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/multi_scale.h"
#include "headroom/evaluate/detection_selector.h"
#include "headroom/evaluate/validation_settings.h"
#include "headroom/interop/ultralytics_writer.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/optim/ema.h"
#include "headroom/train/head_loss.h"
#include "headroom/train/norm_statistics.h"
#include "headroom/train/plot_observer.h"
#include "headroom/train/reference_optimizer.h"
#include "headroom/train/train_choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace headroom {
namespace {

// oneDNN keeps generated kernels of every size it has met: 75 MB over the 21 sizes of multi_scale
// were measured for YOLO11n.
constexpr Bytes kKernelsPerSize = Bytes::MiB(4);
// Fewer where bf16 is convolved in fp32, image by image: 28 MB over 10 sizes for YOLOv8n.
constexpr Bytes kWideKernelsPerSize = Bytes::MiB(3);
// Blocks are committed in granules of 2 MiB, and small blocks lie between large ones.
constexpr Bytes kAllocatorSlack = Bytes::MiB(8);
// Context and library kernels of CUDA 12, as users report them for small models.
constexpr Bytes kDriverHost = Bytes::MiB(1200);
constexpr Bytes kDriverDevice = Bytes::MiB(500);
constexpr std::int64_t kMosaicTiles = 4;
constexpr int kReferenceWorkers = 8;  // Its default.

using PP = PlanPhase;

MemoryNeed OnPlace(MemoryTag tag, Bytes bytes, const PlanSubject& s,
                   NeedBasis basis = NeedBasis::kExact) {
  MemoryNeed need;
  return need.Add(tag, bytes, basis, s.place);
}

// A need that was stated for the host, where the model's tensors lie.
MemoryNeed MoveTo(const MemoryNeed& need, MemoryPlace place) {
  if (place == MemoryPlace::kHost) return need;
  MemoryNeed moved;
  for (std::size_t t = 0; t < kMemoryTagCount; ++t) {
    const auto& row = need.row(static_cast<MemoryTag>(t));
    if (row.bytes > Bytes()) moved.Add(static_cast<MemoryTag>(t), row.bytes, row.basis, place);
  }
  return moved;
}

Bytes FlatBytes(const PlanSubject& s) {
  return Bytes::Of(static_cast<std::uint64_t>(s.model.parameters->value_count()), sizeof(float));
}

// Letterboxed validation: its largest canvas by area, and how many sizes there are.
struct ValidationShapes {
  Extent largest;
  std::size_t sizes = 0;
};

ValidationShapes ShapesOf(const PlanSubject& s, const TrainSettings& t) {
  const RectBatches batches =
      GroupByAspect(s.val.image_sizes(),
                    {.image_size = s.options.image_width, .batch = 2 * t.batch, .stride = kStride});
  ValidationShapes shapes;
  std::set<std::pair<int, int>> seen;
  for (const ImageSize shape : batches.shapes) {
    seen.insert({shape.height, shape.width});
    const Extent extent{shape.height, shape.width};
    if (extent.area() > shapes.largest.area()) shapes.largest = extent;
  }
  shapes.sizes = seen.size();
  return shapes;
}

std::int64_t ValidationImages(const PlanSubject& s, const TrainSettings& t) {
  return std::min<std::int64_t>(
      {t.validate_at_once, 2 * std::int64_t{t.batch}, static_cast<std::int64_t>(s.val.size())});
}

Program ValidationProgram(const PlanSubject& s, const TrainSettings& t, const Extent& extent) {
  return Lower(*s.model.graph, {.purpose = Purpose::kInference,
                                .images = ValidationImages(s, t),
                                .extent = extent,
                                .activation = s.activation,
                                .place_foreign = true});
}

Bytes KernelsPerSize(const PlanSubject& s) {
  const bool wide =
      s.place == MemoryPlace::kHost && s.activation == Element::kBFloat16 && !MultipliesBFloat16();
  return wide ? kWideKernelsPerSize : kKernelsPerSize;
}

void AddUnplanned(const PlanSubject& subject, MemoryPlan& plan) {
  for (std::size_t i = 0; i < kPlanPhaseCount; ++i) {
    if (subject.unplanned[i] == Bytes()) continue;
    plan.Add("held beyond the plan of a killed run", {static_cast<PlanPhase>(i)},
             {MemoryTag::kRuntime, subject.unplanned[i], NeedBasis::kAssumed});
  }
}

// What a CUDA driver and its libraries take for themselves, beside anything of ours.
void AddDriver(const PlanSubject& s, MemoryPlan& plan) {
  if (s.place == MemoryPlace::kHost) return;
  MemoryNeed need(MemoryTag::kRuntime, kDriverHost, NeedBasis::kAssumed);
  need.Add(MemoryTag::kRuntime, kDriverDevice, NeedBasis::kAssumed, MemoryPlace::kDevice);
  plan.AddThroughout("driver", need);
}

void AddModel(const PlanSubject& s, const TrainSettings& t, MemoryPlan& plan) {
  const ParameterStore& store = *s.model.parameters;
  plan.AddThroughout("model", MoveTo(store.EstimateMemory(s.activation, true), s.place));
  plan.AddThroughout("statistics", NormStatistics::EstimateMemory(store));
  const std::uint64_t copies = t.micro_batch < t.batch ? 2 : 1;
  plan.AddThroughout("pending gradients", OnPlace(MemoryTag::kGradients, FlatBytes(s) * copies, s));
  plan.AddThroughout("ema", MoveTo(Ema::EstimateMemory(store), s.place));
  plan.AddThroughout("optimizer", MoveTo(EstimateOptimizerMemory(s.optimizer, store.parameters(),
                                                                 store.value_count()),
                                         s.place));
}

// The arena is kept between programs: what training takes is there in validation and the other way
// round. Before the end it is given back.
void AddStep(const PlanSubject& s, const TrainSettings& t, const ValidationShapes& shapes,
             MemoryPlan& plan) {
  const Program step = Lower(*s.model.graph, TrainingProgram(s, t));
  const Program validation = ValidationProgram(s, t, shapes.largest);
  plan.Add("activations", {PP::kTrainStep, PP::kValidation, PP::kSave},
           OnPlace(MemoryTag::kActivations, std::max(step.arena, validation.arena), s));
  plan.Add("activations of the last validation", {PP::kEnd},
           OnPlace(MemoryTag::kActivations, validation.arena, s));
  const Bytes training_scratch =
      std::max(step.workspace, s.scratch.For(step.options.images, step.options.extent));
  const Bytes validation_scratch =
      std::max(validation.workspace, s.scratch.For(validation.options.images, shapes.largest));
  plan.Add("convolutions", {PP::kTrainStep},
           OnPlace(MemoryTag::kWorkspace, training_scratch, s, NeedBasis::kMeasured));
  plan.Add("convolutions in validation", {PP::kValidation, PP::kEnd},
           OnPlace(MemoryTag::kWorkspace, validation_scratch, s, NeedBasis::kMeasured));
  const std::vector<int>& strides = s.model.strides;
  const auto grid = [&](const Extent& extent) {
    return AnchorGrid::ForImage(static_cast<int>(extent.height), static_cast<int>(extent.width),
                                strides);
  };
  // Its buffers are kept, for the larger of both.
  plan.Add("loss", {PP::kTrainStep, PP::kValidation, PP::kSave, PP::kEnd},
           MemoryNeed::Max(HeadLoss::EstimateMemory(s.model, s.options, grid(step.options.extent),
                                                    step.options.images, s.MostBoxes()),
                           HeadLoss::EstimateMemory(
                               s.model, s.options, grid(shapes.largest), validation.options.images,
                               std::max<std::int64_t>(1, s.val.labels().MaxCount()))));
  const std::uint64_t sizes =
      shapes.sizes + (s.options.multi_scale > 0
                          ? MultiScaleSizes(s.options.image_width, s.options.multi_scale, kStride)
                          : 1);
  plan.Add("generated kernels", {PP::kTrainStep, PP::kValidation, PP::kSave, PP::kEnd},
           MemoryNeed(MemoryTag::kRuntime, KernelsPerSize(s) * sizes, NeedBasis::kAssumed));
}

void AddLoading(const PlanSubject& s, const TrainSettings& t, const ValidationShapes& shapes,
                MemoryPlan& plan) {
  plan.AddThroughout("labels", {MemoryTag::kLabels, s.train.NumBytes() + s.val.NumBytes()});
  plan.Add("training loader", {PP::kTrainStep, PP::kValidation, PP::kSave},
           LoaderNeed(s, t) + EstimateMemory(SourceOptions(s.options, t), s.train));
  if (t.cache_limit > Bytes()) {
    plan.Add("image cache", {PP::kTrainStep, PP::kValidation, PP::kSave},
             {MemoryTag::kImageCache, t.cache_limit});
  }
  if (s.options.cache == CacheKind::kDisk) {
    plan.Add("table of the disk cache", {PP::kTrainStep, PP::kValidation, PP::kSave},
             EstimateDiskCacheMemory(s.train.size()));
  }
  const LetterboxSourceOptions letterbox{.image_size = s.options.image_width, .batch = 2 * t.batch};
  LoaderOptions loader = t.loader();
  loader.max_in_flight = static_cast<int>(ValidationImages(s, t));
  loader.workers = std::max(loader.workers, 1);
  const Bytes canvas = Bytes::Of(static_cast<std::uint64_t>(shapes.largest.area()), 3);
  MemoryNeed validation =
      EstimateMemory(loader, canvas, EstimateWorkerMemory(letterbox, s.val).Total());
  const auto classes = static_cast<int>(s.model.options.classes);
  validation += EstimateMemory(DetectorOptionsForValidation(s.options, s.val), classes,
                               s.model.one_to_one && WantsOneToOne(s.options));
  validation += EstimateMemory(ValidationOptionsOf(s.options, s.val), s.val, classes);
  plan.Add("validation loader and records", {PP::kValidation, PP::kEnd}, validation);
}

void AddSaving(const PlanSubject& s, const TrainSettings& t, const ValidationShapes& shapes,
               MemoryPlan& plan) {
  const ParameterStore& store = *s.model.parameters;
  MemoryNeed need(MemoryTag::kCheckpoint,
                  FlatBytes(s) + Bytes::Of(static_cast<std::uint64_t>(store.statistic_count()), 4));
  need += EstimateCheckpointMemory(store.entries().size(), Bytes::MiB(4));
  need.Add(MemoryTag::kCheckpoint, EstimateReferenceOptimizer(store));
  // Host copies of the weights, the EMA, the gradients and the optimizer's state.
  if (s.place != MemoryPlace::kHost) {
    const MemoryNeed optimizer =
        EstimateOptimizerMemory(s.optimizer, store.parameters(), store.value_count());
    need.Add(MemoryTag::kCheckpoint, FlatBytes(s) * 3 + optimizer.Total());
  }
  plan.Add("checkpoint", {PP::kSave, PP::kEnd}, need);
  if (t.plots) {
    const auto picture = [](const Extent& extent) {
      return ImageSize{static_cast<int>(extent.height), static_cast<int>(extent.width)};
    };
    const auto validated = static_cast<std::int64_t>(s.val.size());
    const PlotNeeds plots = EstimatePlotMemory(
        {t.batch, picture(s.LargestExtent())},
        {std::min<std::int64_t>(validated, 2 * std::int64_t{t.batch}), picture(shapes.largest)},
        static_cast<std::size_t>(s.model.options.classes));
    plan.Add("plots", {PP::kSetup}, plots.setup);
    plan.Add("plots", {PP::kTrainStep}, plots.train_step);
    plan.Add("plots", {PP::kEnd}, plots.end);
  }
}

Bytes Times(Bytes bytes, double factor) {
  return Bytes(static_cast<std::uint64_t>(static_cast<double>(bytes.count()) * factor));
}

}  // namespace

Bytes MeasuredScratch::For(std::int64_t images, const Extent& at) const {
  const double area =
      extent.area() > 0 ? static_cast<double>(at.area()) / static_cast<double>(extent.area()) : 1;
  const auto busy = static_cast<double>(std::clamp<std::int64_t>(images, 1, threads));
  const double each = std::ceil(static_cast<double>(images) / busy);
  const double more_images = busy / measured * std::max(each - 1, 0.0);
  const double more_threads = std::max(threads - measured, 0);
  const Bytes total = one_each + Times(SaturatingSub(two_each, one_each), more_images) +
                      Times(another, more_threads);
  return Times(total, std::max(area, 1.0));
}

Extent PlanSubject::LargestExtent() const {
  if (options.multi_scale <= 0) return {options.image_height, options.image_width};
  const int side = LargestMultiScale(options.image_width, options.multi_scale, kStride);
  return {side, side};
}

std::int64_t PlanSubject::MostBoxes() const {
  const std::int64_t tiles = (options.mosaic > 0 ? kMosaicTiles : 1) *
                             (options.mixup > 0 || options.cutmix > 0 ? 2 : 1) *
                             (options.copy_paste > 0 ? 2 : 1);
  return std::max<std::int64_t>(train.labels().MaxCount() * tiles, 1);
}

TrainingSourceOptions SourceOptions(const Options& options, const TrainSettings& settings) {
  return {.image_size = options.image_width,
          .batch = settings.batch,
          .stride = kStride,
          .rect = options.rect,
          .seed = options.seed,
          .augment = Augmentations(options),
          .use_pool = settings.pool_limit > Bytes(),
          .pool_limit = settings.pool_limit};
}

ProgramOptions TrainingProgram(const PlanSubject& subject, const TrainSettings& settings) {
  return {.purpose = Purpose::kTraining,
          .images = std::min<std::int64_t>(settings.micro_batch, settings.batch),
          .extent = subject.LargestExtent(),
          .activation = subject.activation,
          .recompute = settings.recompute,
          // On a device LibTorch's own allocator holds the results of convolutions: counted here as
          // if they lay in the arena.
          .place_foreign = true,
          .trained_layers = subject.trained_layers};
}

MemoryNeed LoaderNeed(const PlanSubject& subject, const TrainSettings& settings) {
  const TrainingSourceOptions source = SourceOptions(subject.options, settings);
  return EstimateMemory(settings.loader(), LargestSample(source, subject.train),
                        EstimateWorkerMemory(source, subject.train).Total());
}

MemoryPlan PlanTraining(const PlanSubject& subject, const TrainSettings& settings) {
  MemoryPlan plan;
  plan.AddThroughout("runtime", {MemoryTag::kRuntime, subject.runtime, NeedBasis::kMeasured});
  plan.AddThroughout("allocator", {MemoryTag::kFreeBlocks, kAllocatorSlack, NeedBasis::kAssumed});
  AddUnplanned(subject, plan);
  AddDriver(subject, plan);
  AddModel(subject, settings, plan);
  const ValidationShapes shapes = ShapesOf(subject, settings);
  AddLoading(subject, settings, shapes, plan);
  AddStep(subject, settings, shapes, plan);
  AddSaving(subject, settings, shapes, plan);
  return plan;
}

std::string_view Name(Recompute recompute) {
  switch (recompute) {
    case Recompute::kNone:
      return "none";
    case Recompute::kActivations:
      return "activations";
    case Recompute::kBlocks:
      return "blocks";
  }
  return "";
}

std::string Describe(const TrainSettings& settings) {
  const std::int64_t micro = std::min<std::int64_t>(settings.micro_batch, settings.batch);
  return fmt::format("batch {}{}, recompute={}, {} workers, mosaic pool {}{}", settings.batch,
                     micro < settings.batch ? fmt::format(" in micro-batches of {}", micro) : "",
                     Name(settings.recompute), settings.workers, ToString(settings.pool_limit),
                     settings.cache_limit > Bytes()
                         ? fmt::format(", image cache {}", ToString(settings.cache_limit))
                         : "");
}

std::string Describe(const PlanSubject& subject, const TrainSettings& settings) {
  TrainSettings needed = settings;
  needed.pool_limit = PoolNeed(subject, settings);
  return Describe(needed);
}

Bytes PoolNeed(const PlanSubject& subject, const TrainSettings& settings) {
  const MemoryNeed source = EstimateMemory(SourceOptions(subject.options, settings), subject.train);
  return std::min(settings.pool_limit, source.row(MemoryTag::kMosaicPool).bytes);
}

std::string ExplainReferenceFor(const PlanSubject& subject, const TrainSettings& settings,
                                int cores, int gpus, Bytes host_limit) {
  double ratio = 0;
  for (const ImageSize size : subject.train.image_sizes()) {
    ratio += static_cast<double>(std::min(size.height, size.width)) /
             static_cast<double>(std::max(size.height, size.width));
  }
  const Options& o = subject.options;
  // Its own choice (batch=-1, 0.7) is the default on a CPU; on a GPU it is measured there.
  const bool chooses = o.batch < 1;
  ProgramOptions keeps_all = TrainingProgram(subject, settings);
  keeps_all.images = 1;
  keeps_all.extent = {o.image_height, o.image_width};
  keeps_all.recompute = Recompute::kNone;
  keeps_all.activation = Element::kFloat32;
  const ReferenceSettings reference{
      .train_images = static_cast<std::int64_t>(subject.train.size()),
      .val_images = static_cast<std::int64_t>(subject.val.size()),
      .imgsz = o.image_width,
      .batch = chooses && gpus == 0 ? kDefaultBatch : settings.batch,
      // It has no workers=-1.
      .workers = o.workers < 0 ? kReferenceWorkers : o.workers,
      .cores = cores,
      .memory = host_limit,
      .gpus = gpus,
      .driver = gpus > 0 ? kDriverHost : Bytes(),
      .batch_assumed = chooses && gpus > 0,
      .cache_ram = o.cache == CacheKind::kRam,
      .plots = o.plots,
      .short_to_long = ratio / static_cast<double>(std::max<std::size_t>(subject.train.size(), 1)),
      .multi_scale = o.multi_scale,
      .classes = static_cast<int>(subject.model.options.classes),
      .max_boxes = static_cast<int>(kMosaicTiles * subject.train.labels().MaxCount()),
      .parameters = subject.model.ParameterCount(),
      .adam = subject.optimizer == OptimizerKind::kAdamW,
      .activations_per_image = Lower(*subject.model.graph, keeps_all).arena};
  return ExplainReference(reference);
}

}  // namespace headroom
