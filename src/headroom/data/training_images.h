// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/training_augment.h"
#include "headroom/data/damaged_images.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/decode_share.h"
#include "headroom/data/image_cache.h"
#include "headroom/data/image_pool.h"
#include "headroom/image/image_decoder.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// Where one worker gets the images of its samples from: the pool, then the cache, then the file
// (decoded at the smallest scale that is large enough, then resized to long side image_size, within
// the worker's share). Not thread-safe; what it refers to is, and is shared by all workers. pool
// and cache may be null.
class TrainingImages : public ImageProvider {
 public:
  TrainingImages(const DatasetIndex& index, int image_size, DamagedImages& damaged, ImagePool* pool,
                 ImageCache* cache)
      : index_(index),
        image_size_(image_size),
        damaged_(damaged),
        pool_(pool),
        cache_(cache),
        share_(index, image_size) {}

  [[nodiscard]] LoadedImage Load(std::uint32_t image) override;
  void ReleaseAll() override;

 private:
  // What keeps one loaded image alive.
  struct Holder {
    ImagePool::Pin pin;
    std::optional<CachedImage> cached;
    Image own;  // Where the pool had no place.
  };
  // Nothing: the file is damaged or was replaced (and is noted).
  [[nodiscard]] std::optional<ImageView> TryLoad(std::uint32_t image, Holder* holder);
  [[nodiscard]] ImageView Keep(std::uint32_t image, ImageSize size, bool store,
                               std::optional<ImagePool::Filling> place, Holder* holder);

  const DatasetIndex& index_;
  const int image_size_;
  DamagedImages& damaged_;
  ImagePool* const pool_;
  ImageCache* const cache_;
  DecodeShare share_;
  ImageDecoder decoder_;
  Image decoded_;
  std::string path_;
  std::array<Holder, MosaicCanvas::kMaxTiles> holders_;
  std::size_t used_ = 0;
};

}  // namespace headroom
