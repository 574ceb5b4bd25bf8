// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace headroom {

// A picture that a cache gave out: valid as long as this lives, whatever the cache gives back to
// the system meanwhile. Move-only; keep it for one sample, since pinned memory cannot be released.
class CachedImage {
 public:
  CachedImage(ImageView view, std::atomic<int>* pins) : view_(view), pins_(pins) {}
  ~CachedImage() { Unpin(); }
  CachedImage(CachedImage&& other) noexcept
      : view_(other.view_), pins_(std::exchange(other.pins_, nullptr)) {}
  CachedImage& operator=(CachedImage&& other) noexcept {
    Unpin();
    view_ = other.view_;
    pins_ = std::exchange(other.pins_, nullptr);
    return *this;
  }
  [[nodiscard]] const ImageView& view() const { return view_; }

 private:
  void Unpin() {
    if (pins_ != nullptr) pins_->fetch_sub(1, std::memory_order_release);
    pins_ = nullptr;
  }
  ImageView view_;
  std::atomic<int>* pins_;
};

// Decoded pictures by image number, as they enter the pipeline: resized to long side imgsz,
// 3 channels, whichever colour order the loader uses. Only a cache: a miss is decoded again,
// and the pixels are the same. Thread-safe.
class ImageCache {
 public:
  virtual ~ImageCache() = default;
  // The picture, or nothing. A cache that has to read it reads into `scratch`, which must then
  // outlive the result.
  [[nodiscard]] virtual std::optional<CachedImage> Find(std::uint32_t image, Image* scratch) = 0;
  // Keeps a copy when there is room, else does nothing. 3 channels. True when it is kept.
  virtual bool Store(std::uint32_t image, const ImageView& pixels) = 0;
  // "ram cache: 1200 of 5000 images, 1.1 GiB".
  [[nodiscard]] virtual std::string Describe() const = 0;
};

}  // namespace headroom
