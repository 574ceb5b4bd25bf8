// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/data/image_cache.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reclaimable.h"
#include "headroom/memory/reservation.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace headroom {

struct RamImageCacheOptions {
  std::uint64_t images = 0;    // Of the data set.
  Bytes limit = Bytes::Max();  // Of the pixels held; the budget may allow less.
  Bytes keep_free = {};        // Of the budget: left to others, whatever the limit says.
  Bytes slab = Bytes::MiB(8);  // Unit of growth and of release; one picture may need more.
};

// cache=ram: keeps as many pictures as the budget allows and never refuses: the rest is decoded.
// Every picture is used once an epoch, so none is better than another: the first ones stay, nothing
// is evicted to make room. Pictures are packed into slabs that come from the system and go back to
// it, so that what Release reports really leaves the process. After a release it does not grow
// again beyond what it has left, else it would fight whoever needed the memory, until SetLimit.
class RamImageCache : public ImageCache, public Reclaimable {
 public:
  // Registers with the budget, which must outlive it.
  RamImageCache(const RamImageCacheOptions& options, Budget& budget);
  ~RamImageCache() override;

  [[nodiscard]] std::optional<CachedImage> Find(std::uint32_t image, Image* scratch) override
      EXCLUDES(mutex_);
  bool Store(std::uint32_t image, const ImageView& pixels) override EXCLUDES(mutex_);
  [[nodiscard]] std::string Describe() const override EXCLUDES(mutex_);

  [[nodiscard]] std::string_view name() const override { return "image cache"; }
  [[nodiscard]] ReclaimOrder order() const override { return ReclaimOrder::kImageCache; }
  // Whole slabs, the newest first; those with a picture in use are passed over. Microseconds a
  // slab.
  Bytes Release(Bytes wanted, ReclaimTime time) override EXCLUDES(mutex_);

  // A new limit of pixels held; what is held beyond it is released.
  void SetLimit(Bytes limit) EXCLUDES(mutex_);
  // Pixels held, in whole slabs, and the pictures in them.
  [[nodiscard]] Bytes NumBytes() const EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t size() const EXCLUDES(mutex_);

 private:
  struct Slab;
  struct Entry {
    std::uint32_t slab = 0;    // Index + 1; 0: not here.
    std::uint32_t offset = 0;  // In 64-byte units.
    std::uint32_t height = 0;
    std::uint32_t width = 0;
  };
  // A pinned place of `bytes` in the open slab, when it has one.
  [[nodiscard]] bool TakePlace(std::uint64_t bytes, Entry* entry) REQUIRES(mutex_);
  [[nodiscard]] bool Grow(std::uint64_t bytes) EXCLUDES(mutex_);

  const RamImageCacheOptions options_;
  Budget& budget_;
  std::atomic<std::uint64_t> limit_;
  Mutex grow_mutex_;  // One thread grows at a time. Taken before the budget's and mutex_.
  mutable Mutex mutex_;
  Reservation table_reservation_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Slab>> slabs_ GUARDED_BY(mutex_);  // Released ones are null.
  std::size_t open_slab_ GUARDED_BY(mutex_) = 0;                 // Index + 1; 0: none.
  std::uint64_t held_ GUARDED_BY(mutex_) = 0;
  std::uint64_t count_ GUARDED_BY(mutex_) = 0;
};

// Host bytes (tag kImageCache) that the cache would hold for all pictures, were the budget without
// end: sizes are those of the files, pictures have long side `image_size`.
[[nodiscard]] MemoryNeed EstimateRamCache(std::span<const ImageSize> sizes, int image_size,
                                          const RamImageCacheOptions& options);

}  // namespace headroom
