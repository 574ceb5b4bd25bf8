// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/augment_options.h"
#include "headroom/data/augment/sample_plan.h"
#include "headroom/data/damaged_images.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/epoch_order.h"
#include "headroom/data/image_cache.h"
#include "headroom/data/image_pool.h"
#include "headroom/data/rect_batches.h"
#include "headroom/data/sample_source.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

enum class RenderPath : std::uint8_t { kFused, kReference };

struct TrainingSourceOptions {
  int image_size = 640;
  int batch = 16;  // Nominal: decides the mosaic window and the groups of rect=True.
  int stride = 32;
  bool rect = false;  // No mosaic, mixup, cutmix; images by aspect ratio; each batch has its shape.
  std::uint64_t seed = 0;
  AugmentOptions augment;
  bool use_pool = true;
  Bytes pool_limit = Bytes::MiB(400);
  std::uint64_t pool_images = 0;  // At most; 0: as many as partners are drawn from.
  RenderPath render = RenderPath::kFused;
};

// Training pictures: mosaic, copy-paste, affine warp, mixup or cutmix, colours, flips, in the order
// and with the probabilities of the reference (8.4.190).
class TrainingSource : public SampleSource {
 public:
  // The index, the cache and the budget (both may be null) must outlive it.
  TrainingSource(const TrainingSourceOptions& options, const DatasetIndex& index, ImageCache* cache,
                 Budget* budget);
  ~TrainingSource() override;

  [[nodiscard]] std::int64_t size() const override { return order_.size(); }
  [[nodiscard]] Bytes max_sample_bytes() const override;
  [[nodiscard]] Bytes worker_bytes() const override;
  [[nodiscard]] std::string ExplainWorker() const override;
  [[nodiscard]] std::unique_ptr<Scratch> MakeScratch() override;
  void StartEpoch(int epoch, std::int64_t first_position) override;
  void CloseMosaic() override { close_mosaic_ = true; }
  void BeforeMake(std::int64_t position) override;
  void Make(std::int64_t position, Scratch& scratch, SampleSlot* slot) override;

  [[nodiscard]] ImageSize ShapeOf(std::int64_t position) const;
  [[nodiscard]] SamplePlan PlanOf(std::int64_t position) const;
  [[nodiscard]] const EpochOrder& order() const { return order_; }
  [[nodiscard]] const ImagePool* pool() const { return pool_.get(); }
  // Images that could not be read during training.
  [[nodiscard]] std::int64_t damaged_images() const { return damaged_.count(); }

 private:
  const TrainingSourceOptions options_;
  const DatasetIndex& index_;
  ImageCache* const cache_;
  AugmentOptions augment_;  // Of the epoch that runs.
  bool close_mosaic_ = false;
  std::optional<RectBatches> rect_;
  EpochOrder order_;
  std::int64_t window_;
  int epoch_ = 0;
  DamagedImages damaged_;
  std::unique_ptr<ImagePool> pool_;
  std::int64_t announced_ = 0;  // Positions before it are known to the pool.
};

// Host bytes of the source apart from its workers' scratch: the pool and its tables, the orders.
[[nodiscard]] MemoryNeed EstimateMemory(const TrainingSourceOptions& options,
                                        const DatasetIndex& index);
// The largest picture that it makes: a place of the ring.
[[nodiscard]] Bytes LargestSample(const TrainingSourceOptions& options, const DatasetIndex& index);
// Of one worker's scratch (tag kDecode).
[[nodiscard]] MemoryNeed EstimateWorkerMemory(const TrainingSourceOptions& options,
                                              const DatasetIndex& index);

}  // namespace headroom
