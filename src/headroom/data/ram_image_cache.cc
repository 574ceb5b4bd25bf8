// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/ram_image_cache.h"

#include "headroom/core/check.h"
#include "headroom/image/resize.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace headroom {
namespace {

constexpr std::uint64_t kUnit = 64;  // Pictures begin at cache lines.

std::uint64_t RoundedToUnit(std::uint64_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

}  // namespace

// Memory straight from the system: malloc would keep what is given back.
struct RamImageCache::Slab {
  static std::unique_ptr<Slab> Map(std::uint64_t size, Reservation reservation) {
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    return std::make_unique<Slab>(static_cast<std::uint8_t*>(data), size, std::move(reservation));
  }
  Slab(std::uint8_t* memory, std::uint64_t bytes, Reservation held)
      : data(memory), size(bytes), reservation(std::move(held)) {}
  ~Slab() { ::munmap(data, size); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  std::uint8_t* data;
  std::uint64_t size;
  std::uint64_t used = 0;
  std::vector<std::uint32_t> images;
  std::atomic<int> pins{0};
  Reservation reservation;  // Given back after the memory is: declared last, and ~Slab runs first.
};

RamImageCache::RamImageCache(const RamImageCacheOptions& options, Budget& budget)
    : options_(options),
      budget_(budget),
      limit_(options.limit.count()),
      table_reservation_(budget, MemoryTag::kImageCache, Bytes::Of(options.images, sizeof(Entry))),
      entries_(options.images) {
  budget_.Register(*this);
}

RamImageCache::~RamImageCache() { budget_.Unregister(*this); }

std::optional<CachedImage> RamImageCache::Find(std::uint32_t image, Image* /*scratch*/) {
  MutexLock lock(mutex_);
  const Entry& entry = entries_[image];
  if (entry.slab == 0) return std::nullopt;
  Slab& slab = *slabs_[entry.slab - 1];
  slab.pins.fetch_add(1, std::memory_order_relaxed);
  const ImageSize size{static_cast<int>(entry.height), static_cast<int>(entry.width)};
  return CachedImage(
      PackedView(static_cast<const std::uint8_t*>(slab.data + entry.offset * kUnit), size),
      &slab.pins);
}

bool RamImageCache::TakePlace(std::uint64_t bytes, Entry* entry) {
  if (open_slab_ == 0) return false;
  Slab& slab = *slabs_[open_slab_ - 1];
  if (slab.size - slab.used < bytes) return false;
  entry->slab = static_cast<std::uint32_t>(open_slab_);
  entry->offset = static_cast<std::uint32_t>(slab.used / kUnit);
  slab.used += bytes;
  slab.pins.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool RamImageCache::Store(std::uint32_t image, const ImageView& pixels) {
  HEADROOM_CHECK(pixels.channels == 3, "the cache keeps 3 channels");
  const std::uint64_t bytes = RoundedToUnit(pixels.size().PixelBytes().count());
  Entry entry;
  entry.height = static_cast<std::uint32_t>(pixels.height);
  entry.width = static_cast<std::uint32_t>(pixels.width);
  Slab* slab = nullptr;
  for (int attempt = 0; slab == nullptr; ++attempt) {
    {
      MutexLock lock(mutex_);
      if (entries_[image].slab != 0) return true;
      if (TakePlace(bytes, &entry)) slab = slabs_[entry.slab - 1].get();
    }
    if (slab != nullptr) break;
    constexpr int kMostAttempts = 3;  // Others may fill a new slab before we get to it.
    if (attempt == kMostAttempts || !Grow(bytes)) return false;
  }
  std::uint8_t* to = slab->data + entry.offset * kUnit;
  const std::size_t row_bytes = static_cast<std::size_t>(pixels.width) * 3;
  for (int y = 0; y < pixels.height; ++y)
    std::memcpy(to + static_cast<std::size_t>(y) * row_bytes, pixels.Row(y), row_bytes);
  MutexLock lock(mutex_);
  if (entries_[image].slab == 0) {  // Else another thread stored it meanwhile: the place is lost.
    entries_[image] = entry;
    slab->images.push_back(image);
    ++count_;
  }
  slab->pins.fetch_sub(1, std::memory_order_release);
  return true;
}

bool RamImageCache::Grow(std::uint64_t bytes) {
  MutexLock grow_lock(grow_mutex_);
  const Bytes size = RoundUp(Bytes(std::max(bytes, options_.slab.count())), Bytes::KiB(4));
  {
    MutexLock lock(mutex_);
    // Another thread may have grown while we waited.
    if (open_slab_ != 0 && slabs_[open_slab_ - 1]->size - slabs_[open_slab_ - 1]->used >= bytes)
      return true;
    if (Bytes(held_) + size > Bytes(limit_.load())) return false;
  }
  // Looked at first, since a charge that does not fit asks the reclaimables, this cache among them.
  if (budget_.available() < size + options_.keep_free) return false;
  Reservation reservation = Reservation::Try(budget_, MemoryTag::kImageCache, size);
  if (reservation.empty()) return false;
  std::unique_ptr<Slab> slab = Slab::Map(size.count(), std::move(reservation));
  if (slab == nullptr) return false;
  MutexLock lock(mutex_);
  held_ += size.count();
  slabs_.push_back(std::move(slab));
  open_slab_ = slabs_.size();
  return true;
}

Bytes RamImageCache::Release(Bytes wanted, ReclaimTime /*time*/) {
  MutexLock lock(mutex_);
  Bytes given;
  for (std::size_t i = slabs_.size(); i > 0 && given < wanted; --i) {
    std::unique_ptr<Slab>& slab = slabs_[i - 1];
    if (slab == nullptr || slab->pins.load(std::memory_order_acquire) > 0) continue;
    for (const std::uint32_t image : slab->images) entries_[image] = Entry();
    count_ -= slab->images.size();
    held_ -= slab->size;
    given += Bytes(slab->size);
    if (open_slab_ == i) open_slab_ = 0;
    slab.reset();
  }
  while (!slabs_.empty() && slabs_.back() == nullptr) slabs_.pop_back();
  if (given > Bytes()) limit_.store(std::min(limit_.load(), held_));
  return given;
}

void RamImageCache::SetLimit(Bytes limit) {
  (void)Release(SaturatingSub(NumBytes(), limit), ReclaimTime::kAtBoundary);
  limit_.store(limit.count());
}

Bytes RamImageCache::NumBytes() const {
  MutexLock lock(mutex_);
  return Bytes(held_);
}

std::uint64_t RamImageCache::size() const {
  MutexLock lock(mutex_);
  return count_;
}

std::string RamImageCache::Describe() const {
  MutexLock lock(mutex_);
  return fmt::format("ram cache: {} of {} images, {}", count_, entries_.size(),
                     ToString(Bytes(held_)));
}

MemoryNeed EstimateRamCache(std::span<const ImageSize> sizes, int image_size,
                            const RamImageCacheOptions& options) {
  std::uint64_t pixels = 0;
  std::uint64_t largest = 0;
  for (const ImageSize size : sizes) {
    const std::uint64_t bytes = RoundedToUnit(LoadedSize(size, image_size).PixelBytes().count());
    pixels += bytes;
    largest = std::max(largest, bytes);
  }
  // A slab's end stays empty when the next picture does not fit.
  const std::uint64_t slab = std::max(options.slab.count(), largest);
  const std::uint64_t used_of_slab =
      std::max<std::uint64_t>(slab - std::min(slab - 1, largest), slab / 2);
  const std::uint64_t slabs = sizes.empty() ? 0 : pixels / used_of_slab + 1;
  const Bytes all = std::min(Bytes::Of(slabs, slab), options.limit);
  MemoryNeed need(MemoryTag::kImageCache, all, NeedBasis::kMeasured);
  return need.Add(MemoryTag::kImageCache, Bytes::Of(options.images, 16));
}

}  // namespace headroom
