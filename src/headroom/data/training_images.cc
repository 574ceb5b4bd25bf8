// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/training_images.h"

#include "headroom/core/check.h"
#include "headroom/image/resize.h"

namespace headroom {

void TrainingImages::ReleaseAll() {
  for (std::size_t i = 0; i < used_; ++i) {
    holders_[i].pin = {};
    holders_[i].cached.reset();
  }
  used_ = 0;
}

LoadedImage TrainingImages::Load(std::uint32_t image) {
  HEADROOM_CHECK(used_ < holders_.size(), "more images at a time than a sample has tiles");
  Holder& holder = holders_[used_++];
  while (true) {
    const std::uint32_t usable = damaged_.Substitute(image);
    if (const std::optional<ImageView> pixels = TryLoad(usable, &holder)) return {*pixels, usable};
  }
}

std::optional<ImageView> TrainingImages::TryLoad(std::uint32_t image, Holder* holder) {
  const auto from_pool = [&]() -> std::optional<ImageView> {
    std::optional<ImagePool::Pin> pin = pool_ == nullptr ? std::nullopt : pool_->Find(image);
    if (!pin) return std::nullopt;
    holder->pin = std::move(*pin);
    return holder->pin.view();
  };
  if (const auto pixels = from_pool()) return pixels;
  if (cache_ != nullptr) {
    std::optional<CachedImage> cached = cache_->Find(image, &decoded_);
    if (cached && cached->view().data != decoded_.data()) {
      holder->cached = std::move(cached);
      return holder->cached->view();
    }
    if (cached) {  // Read from a disk into decoded_.
      const ImageSize size = cached->view().size();
      return Keep(image, size, false,
                  pool_ == nullptr ? std::nullopt : pool_->BeginFill(image, size), holder);
    }
  }
  const ImageSize size = LoadedSize(index_.image_size(image), image_size_);
  std::optional<ImagePool::Filling> place =
      pool_ == nullptr ? std::nullopt : pool_->BeginFill(image, size);
  if (!place) {
    if (const auto pixels = from_pool()) return pixels;  // Another worker was faster.
  }
  index_.CopyImagePath(image, &path_);
  const Result<ImageInfo> info =
      decoder_.Decode(path_, {.order = ColorOrder::kRgb, .min_long_side = image_size_},
                      share_.For(image), &decoded_);
  if (!info) {
    damaged_.Add(image, info.error());
    return std::nullopt;
  }
  return Keep(image, size, cache_ != nullptr, std::move(place), holder);
}

// Resizes what was decoded into the place in the pool, or into memory of our own.
ImageView TrainingImages::Keep(std::uint32_t image, ImageSize size, bool store,
                               std::optional<ImagePool::Filling> place, Holder* holder) {
  ImageView pixels;
  if (place) {
    ResizeBilinear(std::as_const(decoded_).view(), place->pixels());
    holder->pin = std::move(*place).Finish();
    pixels = holder->pin.view();
  } else {
    holder->own.Reshape(size);
    ResizeBilinear(std::as_const(decoded_).view(), holder->own.view());
    pixels = std::as_const(holder->own).view();
  }
  if (store) cache_->Store(image, pixels);
  return pixels;
}

}  // namespace headroom
