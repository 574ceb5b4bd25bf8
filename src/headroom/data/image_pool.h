// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/data/page_slots.h"
#include "headroom/image/image.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reclaimable.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

struct ImagePoolOptions {
  std::uint32_t images = 0;            // Of the data set.
  std::uint64_t wanted_images = 1000;  // More are of no use: the window that partners come from.
  Bytes limit = Bytes::MiB(400);       // Of the pixels held.
  Bytes mean_image_bytes;              // Of the data set's pictures at training size.
  Bytes max_image_bytes;
};

// Pictures of mean size that fit.
[[nodiscard]] std::uint64_t PoolPlaces(const ImagePoolOptions& options);

// The images that mosaics are made of: decoded, at training size, shared by all workers. Only a
// cache, bounded in bytes; what a sample looks like never depends on it. Thread-safe.
//
// It knows the order in which images will be used (positions and their partners are functions of
// the seed), and makes room by giving up the picture whose next use is farthest away (Belady 1966).
class ImagePool : public Reclaimable {
 public:
  // A picture in use: its pixels stay as they are. Move-only.
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept { Swap(other); }
    Pin& operator=(Pin&& other) noexcept {
      Pin old(std::move(*this));
      Swap(other);
      return *this;
    }
    ~Pin();
    [[nodiscard]] const ImageView& view() const { return view_; }

   private:
    friend class ImagePool;
    Pin(ImagePool* pool, std::size_t slot, const ImageView& view)
        : pool_(pool), slot_(slot), view_(view) {}
    void Swap(Pin& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(slot_, other.slot_);
      std::swap(view_, other.view_);
    }
    ImagePool* pool_ = nullptr;
    std::size_t slot_ = 0;
    ImageView view_;
  };

  // A place that one worker fills. Abandoned unless Finish is called.
  class Filling {
   public:
    Filling(Filling&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), slot_(other.slot_), pixels_(other.pixels_) {}
    Filling& operator=(Filling&&) = delete;
    ~Filling();
    [[nodiscard]] const MutableImageView& pixels() const { return pixels_; }
    [[nodiscard]] Pin Finish() &&;

   private:
    friend class ImagePool;
    Filling(ImagePool* pool, std::size_t slot, const MutableImageView& pixels)
        : pool_(pool), slot_(slot), pixels_(pixels) {}
    ImagePool* pool_;
    std::size_t slot_;
    MutableImageView pixels_;
  };

  // Reserves what it may hold (tag kMosaicPool): the wanted images within the limit, or what the
  // budget has left. May end up with no place at all. The budget, if any, must outlive it.
  ImagePool(const ImagePoolOptions& options, Budget* budget);
  ~ImagePool() override;

  // The picture, when it is here. Waits while another worker fills it.
  [[nodiscard]] std::optional<Pin> Find(std::uint32_t image) EXCLUDES(mutex_);
  // A place for a picture that is not here; nothing when all places are in use, or when another
  // worker began to fill it meanwhile (Find again, then).
  [[nodiscard]] std::optional<Filling> BeginFill(std::uint32_t image, ImageSize size)
      EXCLUDES(mutex_);

  // What lies ahead: the images of a position, told in order of positions, each once.
  void Announce(std::int64_t position, std::span<const std::uint32_t> images) EXCLUDES(mutex_);
  // Positions before this one need nothing any more.
  void Pass(std::int64_t position) EXCLUDES(mutex_);
  // Forgets what was announced (a new epoch starts somewhere else).
  void ForgetAnnounced() EXCLUDES(mutex_);

  struct Statistics {
    std::int64_t hits = 0;
    std::int64_t misses = 0;  // Images decoded into the pool.
  };
  [[nodiscard]] Statistics statistics() const EXCLUDES(mutex_);
  [[nodiscard]] Bytes held() const EXCLUDES(mutex_);
  [[nodiscard]] Bytes limit() const EXCLUDES(mutex_);

  [[nodiscard]] std::string_view name() const override { return "mosaic pool"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kMosaicPool; }
  // Lowers the limit for good; pictures in use stay until they are passed over by the next fill.
  Bytes Release(Bytes wanted, ReclaimTime time) override EXCLUDES(mutex_);

 private:
  enum class State : std::uint8_t { kFree, kFilling, kReady };
  struct Slot {
    State state = State::kFree;
    std::uint32_t image = 0;
    int pins = 0;
    Bytes bytes;  // In whole pages; 0 when free.
    ImageSize size;
  };
  // A future use of an image; those of one image are chained in order of positions.
  struct Use {
    std::int64_t position;
    std::uint32_t image;
    std::uint32_t next;  // Index into uses_ + 1; 0: the last.
  };

  void Unpin(std::size_t slot) EXCLUDES(mutex_);
  void Abandon(std::size_t slot) EXCLUDES(mutex_);
  [[nodiscard]] Pin FinishFill(std::size_t slot) EXCLUDES(mutex_);
  [[nodiscard]] Pin PinLocked(std::size_t slot) REQUIRES(mutex_);
  void Empty(std::size_t slot) REQUIRES(mutex_);
  // A free place, with room for `bytes` within the limit, after evictions.
  [[nodiscard]] std::optional<std::size_t> MakeRoom(Bytes bytes) REQUIRES(mutex_);
  void TrimFreePlaces(std::optional<std::size_t> except) REQUIRES(mutex_);
  // The ready, unused picture that is needed last.
  [[nodiscard]] std::optional<std::size_t> Victim() const REQUIRES(mutex_);
  [[nodiscard]] std::int64_t NextUse(std::uint32_t image) const REQUIRES(mutex_);

  const ImagePoolOptions options_;
  Budget* const budget_;
  mutable Mutex mutex_;
  CondVar filled_;
  Reservation reservation_;
  std::unique_ptr<PageSlots> memory_;
  Bytes limit_ GUARDED_BY(mutex_);
  Bytes held_ GUARDED_BY(mutex_);
  std::vector<Slot> slots_ GUARDED_BY(mutex_);
  std::vector<std::uint32_t> slot_of_ GUARDED_BY(mutex_);  // Image -> slot + 1; 0: not here.
  std::vector<Use> uses_ GUARDED_BY(mutex_);               // A ring, oldest at uses_begin_.
  std::uint64_t uses_begin_ GUARDED_BY(mutex_) = 0;
  std::uint64_t uses_end_ GUARDED_BY(mutex_) = 0;
  std::vector<std::uint32_t> first_use_ GUARDED_BY(mutex_);  // Image -> index into uses_ + 1.
  std::vector<std::uint32_t> last_use_ GUARDED_BY(mutex_);
  Statistics statistics_ GUARDED_BY(mutex_);
};

// Host bytes (tags kMosaicPool for pixels, kLabels for its tables of 12 bytes an image).
[[nodiscard]] MemoryNeed EstimateMemory(const ImagePoolOptions& options);

}  // namespace headroom
