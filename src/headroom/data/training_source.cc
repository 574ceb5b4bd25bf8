// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/training_source.h"

#include "headroom/data/augment/training_augment.h"
#include "headroom/data/decode_share.h"
#include "headroom/data/training_images.h"
#include "headroom/image/resize.h"

#include <algorithm>
#include <array>
#include <utility>

namespace headroom {
namespace {

// More workers than this may be busy with positions that the pool already thinks done; it only
// costs decodes.
constexpr std::int64_t kPositionsInWork = 64;

// Pictures that workers hold at once, at the most: four for each of 16.
constexpr std::uint64_t kPinnedByWorkers = 64;

class WindowPartners : public PartnerDraw {
 public:
  WindowPartners(const EpochOrder& order, std::int64_t position, std::int64_t window)
      : order_(order), position_(position), window_(window) {}
  [[nodiscard]] std::uint32_t NearbyImage(Rng& rng) const override {
    const auto back = 1 + static_cast<std::int64_t>(rng.Below(static_cast<std::uint64_t>(window_)));
    return order_.Before(position_, back);
  }
  [[nodiscard]] std::uint32_t AnyImage(Rng& rng) const override {
    return static_cast<std::uint32_t>(rng.Below(static_cast<std::uint64_t>(order_.size())));
  }

 private:
  const EpochOrder& order_;
  std::int64_t position_;
  std::int64_t window_;
};

class TrainingScratch : public SampleSource::Scratch {
 public:
  TrainingScratch(std::unique_ptr<SceneRenderer> renderer, TrainingImages images)
      : images_(std::move(images)), augment_(std::move(renderer)) {}
  TrainingImages images_;
  TrainingAugment augment_;
};

AugmentOptions EffectiveAugment(const TrainingSourceOptions& options) {
  AugmentOptions augment = options.augment;
  if (options.rect) augment.mosaic = augment.mixup = augment.cutmix = 0;
  return augment;
}

std::optional<RectBatches> Rectangles(const TrainingSourceOptions& options,
                                      const DatasetIndex& index) {
  if (!options.rect) return std::nullopt;
  return GroupByAspect(index.image_sizes(), {.image_size = options.image_size,
                                             .batch = options.batch,
                                             .stride = options.stride,
                                             .pad = 0});
}

ImagePoolOptions PoolOptions(const TrainingSourceOptions& options, const DatasetIndex& index) {
  ImagePoolOptions pool;
  pool.images = static_cast<std::uint32_t>(index.size());
  pool.limit = options.pool_limit;
  std::uint64_t sum = 0;
  for (const ImageSize size : index.image_sizes()) {
    const Bytes bytes = LoadedSize(size, options.image_size).PixelBytes();
    sum += bytes.count();
    pool.max_image_bytes = std::max(pool.max_image_bytes, bytes);
  }
  pool.mean_image_bytes = Bytes(sum / std::max<std::size_t>(1, index.size()));
  const bool mosaics = EffectiveAugment(options).mosaic > 0;
  const auto window = static_cast<std::uint64_t>(MosaicWindow(pool.images, options.batch));
  pool.wanted_images = options.pool_images > 0 ? options.pool_images : window + kPositionsInWork;
  // Without mosaics a picture is used once: nothing is worth keeping.
  if (!options.use_pool || !mosaics) pool.wanted_images = 0;
  return pool;
}

}  // namespace

TrainingSource::TrainingSource(const TrainingSourceOptions& options, const DatasetIndex& index,
                               ImageCache* cache, Budget* budget)
    : options_(options),
      index_(index),
      cache_(cache),
      augment_(EffectiveAugment(options)),
      rect_(Rectangles(options, index)),
      order_(rect_ ? EpochOrder(rect_->order)
                   : EpochOrder(options.seed, static_cast<std::uint32_t>(index.size()))),
      window_(MosaicWindow(order_.size(), options.batch)),
      damaged_(index) {
  options_.augment.Validate();
  const ImagePoolOptions pool = PoolOptions(options_, index_);
  if (pool.wanted_images > 0) pool_ = std::make_unique<ImagePool>(pool, budget);
}

TrainingSource::~TrainingSource() = default;

Bytes TrainingSource::max_sample_bytes() const { return LargestSample(options_, index_); }

Bytes TrainingSource::worker_bytes() const {
  return EstimateWorkerMemory(options_, index_).Total();
}

std::string TrainingSource::ExplainWorker() const {
  return ExplainDecode(index_, options_.image_size);
}

std::unique_ptr<SampleSource::Scratch> TrainingSource::MakeScratch() {
  return std::make_unique<TrainingScratch>(
      options_.render == RenderPath::kFused ? MakeFusedRenderer() : MakeReferenceRenderer(),
      TrainingImages(index_, options_.image_size, damaged_, pool_.get(), cache_));
}

void TrainingSource::StartEpoch(int epoch, std::int64_t first_position) {
  order_.Start(epoch);
  epoch_ = epoch;
  if (close_mosaic_) {
    augment_ = EffectiveAugment(options_).WithoutMosaic();
    if (pool_) pool_->Release(pool_->limit(), ReclaimTime::kAtBoundary);
  }
  announced_ = first_position;
  if (pool_) pool_->ForgetAnnounced();
}

void TrainingSource::BeforeMake(std::int64_t position) {
  if (!pool_ || close_mosaic_) return;
  pool_->Pass(position - kPositionsInWork);
  const std::int64_t end = std::min(position + window_, size());
  for (; announced_ < end; ++announced_) {
    const SamplePlan plan = PlanOf(announced_);
    const auto announce = [&](const ScenePlan& scene) {
      pool_->Announce(announced_,
                      std::span(scene.images).first(static_cast<std::size_t>(scene.image_count)));
    };
    announce(plan.scene);
    if (plan.mixup) announce(*plan.mixup);
    if (plan.cutmix) announce(*plan.cutmix);
    if (plan.paste_from) announce(*plan.paste_from);
  }
}

ImageSize TrainingSource::ShapeOf(std::int64_t position) const {
  if (rect_) return rect_->ShapeOf(static_cast<std::size_t>(position));
  return {options_.image_size, options_.image_size};
}

SamplePlan TrainingSource::PlanOf(std::int64_t position) const {
  const Rng rng =
      Rng(options_.seed)
          .Fork(static_cast<std::uint64_t>(epoch_), static_cast<std::uint64_t>(position));
  return PlanSample(augment_, options_.image_size, order_.At(position), rng,
                    WindowPartners(order_, position, window_));
}

void TrainingSource::Make(std::int64_t position, Scratch& scratch, SampleSlot* slot) {
  auto& mine = static_cast<TrainingScratch&>(scratch);
  const MutableImageView out = slot->Shape(ShapeOf(position));
  try {
    slot->sample.image_index =
        mine.augment_.Make(PlanOf(position), index_.labels(), mine.images_, out, &slot->labels);
  } catch (...) {
    mine.images_.ReleaseAll();
    throw;
  }
  slot->sample.labels = slot->labels;
}

MemoryNeed EstimateMemory(const TrainingSourceOptions& options, const DatasetIndex& index) {
  MemoryNeed need;
  const ImagePoolOptions pool = PoolOptions(options, index);
  if (pool.wanted_images > 0) need += EstimateMemory(pool);
  return need.Add(MemoryTag::kLabels, Bytes::Of(index.size(), 2 * sizeof(std::uint32_t)));
}

Bytes LargestSample(const TrainingSourceOptions& options, const DatasetIndex& index) {
  const std::optional<RectBatches> rect = Rectangles(options, index);
  if (!rect) return ImageSize{options.image_size, options.image_size}.PixelBytes();
  Bytes most;
  for (const ImageSize shape : rect->shapes) most = std::max(most, shape.PixelBytes());
  return most;
}

MemoryNeed EstimateWorkerMemory(const TrainingSourceOptions& options, const DatasetIndex& index) {
  MemoryNeed need = index.EstimateDecode(options.image_size);
  need += EstimateMemory(options.augment, {options.image_size, options.image_size});
  // Where the pool is absent or too small for what all workers hold, they keep pictures of their
  // own.
  const ImagePoolOptions pool = PoolOptions(options, index);
  const bool mosaics = EffectiveAugment(options).mosaic > 0;
  const std::uint64_t own = PoolPlaces(pool) >= kPinnedByWorkers ? 0
                            : mosaics                            ? MosaicCanvas::kMaxTiles
                                                                 : 1;
  // The touched part of a thread's stack, the decoder's tables, boxes and names.
  constexpr Bytes kThread = Bytes::KiB(160);
  return need.Add(MemoryTag::kDecode, own * pool.max_image_bytes + kThread);
}

}  // namespace headroom
