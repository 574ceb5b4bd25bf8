// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/damaged_images.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/image_cache.h"
#include "headroom/data/rect_batches.h"
#include "headroom/data/sample_source.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <memory>
#include <string>

namespace headroom {

struct LetterboxSourceOptions {
  int image_size = 640;
  int batch = 16;  // Nominal: decides the groups of rectangular batches.
  int stride = 32;
  bool rect = true;  // False: every picture on a square canvas (exported formats).
  double pad = 0.5;  // See RectOptions.
};

// Validation pictures: decoded in full, resized to long side image_size (small ones are enlarged),
// centred on the batch's canvas; pixels and boxes as the reference has them.
// The same in every epoch. A damaged image, or one of another size than the index's, is replaced,
// as in training.
class LetterboxSource : public SampleSource {
 public:
  // The index and the cache (may be null; its own, since training's pictures may be decoded at a
  // smaller scale) must outlive it.
  LetterboxSource(const LetterboxSourceOptions& options, const DatasetIndex& index,
                  ImageCache* cache);
  ~LetterboxSource() override;

  [[nodiscard]] std::int64_t size() const override {
    return static_cast<std::int64_t>(batches_.order.size());
  }
  [[nodiscard]] Bytes max_sample_bytes() const override;
  [[nodiscard]] Bytes worker_bytes() const override;
  [[nodiscard]] std::string ExplainWorker() const override;
  [[nodiscard]] std::unique_ptr<Scratch> MakeScratch() override;
  void StartEpoch(int /*epoch*/, std::int64_t /*first_position*/) override {}
  void Make(std::int64_t position, Scratch& scratch, SampleSlot* slot) override;

  [[nodiscard]] const RectBatches& batches() const { return batches_; }
  [[nodiscard]] std::int64_t damaged_images() const { return damaged_.count(); }

 private:
  struct LetterboxScratch;
  // The picture at training size in scratch or in the cache; false when the file is damaged or was
  // replaced.
  [[nodiscard]] bool Load(std::uint32_t image, LetterboxScratch& scratch);
  void Compose(std::uint32_t image, const LetterboxScratch& scratch, ImageSize canvas,
               SampleSlot* slot) const;

  const LetterboxSourceOptions options_;
  const DatasetIndex& index_;
  ImageCache* const cache_;
  RectBatches batches_;
  DamagedImages damaged_;
};

// Of one worker's scratch (tag kDecode).
[[nodiscard]] MemoryNeed EstimateWorkerMemory(const LetterboxSourceOptions& options,
                                              const DatasetIndex& index);

}  // namespace headroom
