// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/training_loader.h"

#include "headroom/data/disk_image_cache.h"
#include "headroom/train/train_plan.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace headroom {
namespace {

RamImageCacheOptions RamOptions(const DatasetIndex& index, Bytes limit) {
  return {.images = index.size(), .limit = limit};
}

// Beside the folder of the first image: data sets are moved with their folders.
std::string DiskCachePath(const DatasetIndex& index, int image_size) {
  const std::filesystem::path folder =
      std::filesystem::path(index.ImagePath(0)).parent_path().lexically_normal();
  return (folder.parent_path() /
          fmt::format("{}.{}px.headroom-images", folder.filename().string(), image_size))
      .string();
}

}  // namespace

Bytes WholeRamCache(const Options& options, const DatasetIndex& index) {
  if (options.cache != CacheKind::kRam) return {};
  return EstimateRamCache(index.image_sizes(), options.image_width, RamOptions(index, Bytes::Max()))
      .Total();
}

TrainingLoader::TrainingLoader(const Options& options, const DatasetIndex& index, int cores,
                               Budget& budget, TrainObserver& observer)
    : options_(options), index_(index), budget_(budget), observer_(observer), policy_(cores) {}

TrainingLoader::~TrainingLoader() = default;

void TrainingLoader::SetRamCache(Bytes limit) {
  if (ram_cache_ == nullptr && limit > Bytes()) {
    auto cache = std::make_unique<RamImageCache>(RamOptions(index_, limit), budget_);
    ram_cache_ = cache.get();
    cache_ = std::move(cache);
    observer_.OnMessage(
        fmt::format("cache=ram: up to {} of decoded images are kept, the others are decoded again",
                    ToString(limit)));
  } else if (ram_cache_ != nullptr) {
    ram_cache_->SetLimit(limit);
  } else if (!std::exchange(cache_announced_, true)) {
    observer_.OnMessage("cache=ram: the memory budget has no room for it; images are decoded");
  }
}

void TrainingLoader::OpenDiskCache() {
  if (std::exchange(cache_announced_, true)) return;
  std::string note;
  const std::string path = DiskCachePath(index_, options_.image_width);
  auto opened = DiskImageCache::Open({.path = path, .image_size = options_.image_width}, index_,
                                     &budget_, &note);
  if (!note.empty()) observer_.OnMessage(note);
  if (opened) {
    observer_.OnMessage(fmt::format("cache=disk: {}", path));
    cache_ = std::move(*opened);
  } else {
    observer_.OnMessage(fmt::format("WARNING cache=disk: {}; images are decoded", opened.error()));
  }
}

void TrainingLoader::Make(const TrainSettings& settings) {
  loader_.reset();  // The old one's memory goes first.
  if (options_.cache == CacheKind::kRam) SetRamCache(settings.cache_limit);
  if (options_.cache == CacheKind::kDisk) OpenDiskCache();
  auto source = std::make_unique<TrainingSource>(SourceOptions(options_, settings), index_,
                                                 cache_.get(), &budget_);
  source_ = source.get();
  if (mosaic_closed_) source_->CloseMosaic();
  loader_ = std::make_unique<PipelinedLoader>(std::move(source), settings.loader(), &budget_);
}

void TrainingLoader::CloseMosaic() {
  mosaic_closed_ = true;
  loader_->CloseMosaic();
}

Extent TrainingLoader::ExtentOf(std::int64_t position) const {
  const ImageSize shape = source_->ShapeOf(position);
  return {shape.height, shape.width};
}

std::optional<std::string> TrainingLoader::AdaptWorkers(double elapsed_s, bool may_grow,
                                                        bool pressure) {
  const int before = loader_->workers();
  const std::optional<WorkerPolicy::Change> change =
      policy_.Decide(loader_->statistics(), before, elapsed_s, may_grow, pressure);
  if (!change) return std::nullopt;
  const int after = loader_->SetWorkers(change->workers);
  if (after == before) return std::nullopt;
  return fmt::format("Loader workers {} -> {}: {}", before, after, change->reason);
}

}  // namespace headroom
