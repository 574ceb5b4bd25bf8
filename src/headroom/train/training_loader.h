// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/image_cache.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/data/ram_image_cache.h"
#include "headroom/data/training_source.h"
#include "headroom/data/worker_policy.h"
#include "headroom/graph/shape.h"
#include "headroom/memory/budget.h"
#include "headroom/train/observer.h"
#include "headroom/train/train_settings.h"

#include <memory>
#include <optional>

namespace headroom {

// What cache=ram would hold of these pictures with no limit.
[[nodiscard]] Bytes WholeRamCache(const Options& options, const DatasetIndex& index);

// The training loader of a run with its image cache: made from settings, made again when they
// change (samples do not depend on either), and given more or fewer workers while it runs.
class TrainingLoader {
 public:
  // All must outlive it. Says in messages what the cache does.
  TrainingLoader(const Options& options, const DatasetIndex& index, int cores, Budget& budget,
                 TrainObserver& observer);
  ~TrainingLoader();

  // The loader as these settings want it. Keeps the cache. The next StartEpoch is the caller's.
  void Make(const TrainSettings& settings);
  [[nodiscard]] PipelinedLoader& loader() { return *loader_; }
  [[nodiscard]] bool made() const { return loader_ != nullptr; }
  void CloseMosaic();
  // The size of a batch's pictures before multi_scale.
  [[nodiscard]] Extent ExtentOf(std::int64_t position) const;
  // workers=-1: another number of workers where the policy wants one; a line when it changed.
  [[nodiscard]] std::optional<std::string> AdaptWorkers(double elapsed_s, bool may_grow,
                                                        bool pressure);

 private:
  // cache=ram as these settings have it; opened when there is first room for it.
  void SetRamCache(Bytes limit);
  void OpenDiskCache();

  const Options& options_;
  const DatasetIndex& index_;
  Budget& budget_;
  TrainObserver& observer_;
  WorkerPolicy policy_;
  std::unique_ptr<ImageCache> cache_;
  RamImageCache* ram_cache_ = nullptr;  // The cache, with cache=ram.
  bool cache_announced_ = false;
  bool mosaic_closed_ = false;
  TrainingSource* source_ = nullptr;  // The loader's.
  std::unique_ptr<PipelinedLoader> loader_;
};

}  // namespace headroom
