// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/image_pool.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <limits>

namespace headroom {
namespace {

// Uses that are remembered: positions ahead * images a position. A power of two.
constexpr std::uint64_t kUses = 1 << 14;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::uint64_t PlacesWithin(const ImagePoolOptions& options, Bytes limit) {
  const Bytes page_bytes = std::max(Bytes(1), PageSlots::PageBytes(options.mean_image_bytes));
  return std::min(
      {limit.count() / page_bytes.count(), options.wanted_images, std::uint64_t{options.images}});
}

Bytes WantedBytes(const ImagePoolOptions& options) {
  return PageSlots::PageBytes(options.mean_image_bytes) * PlacesWithin(options, options.limit);
}

Reservation ReserveUpTo(Budget* budget, Bytes wanted, Bytes least) {
  if (budget == nullptr) return {};
  for (Bytes bytes = wanted; bytes >= least && bytes > Bytes(); bytes = Scale(bytes, 0.75)) {
    Reservation reservation = Reservation::Try(*budget, MemoryTag::kMosaicPool, bytes);
    if (!reservation.empty()) return reservation;
  }
  return {};
}

}  // namespace

std::uint64_t PoolPlaces(const ImagePoolOptions& options) {
  return PlacesWithin(options, options.limit);
}

ImagePool::Pin::~Pin() {
  if (pool_ != nullptr) pool_->Unpin(slot_);
}

ImagePool::Filling::~Filling() {
  if (pool_ != nullptr) pool_->Abandon(slot_);
}

ImagePool::Pin ImagePool::Filling::Finish() && {
  return std::exchange(pool_, nullptr)->FinishFill(slot_);
}

ImagePool::ImagePool(const ImagePoolOptions& options, Budget* budget)
    : options_(options),
      budget_(budget),
      slot_of_(options.images, 0),
      first_use_(options.images, 0),
      last_use_(options.images, 0) {
  const Bytes wanted = WantedBytes(options);
  reservation_ = ReserveUpTo(budget, wanted, options.max_image_bytes);
  limit_ = budget == nullptr ? wanted : reservation_.bytes();
  const std::uint64_t count = PlacesWithin(options, limit_);
  memory_ = std::make_unique<PageSlots>(count, options.max_image_bytes);
  slots_.resize(count);
  uses_.resize(kUses);
  if (budget_ != nullptr) budget_->Register(*this);
}

ImagePool::~ImagePool() {
  if (budget_ != nullptr) budget_->Unregister(*this);
}

ImagePool::Pin ImagePool::PinLocked(std::size_t slot) {
  ++slots_[slot].pins;
  return {this, slot,
          PackedView(static_cast<const std::uint8_t*>(memory_->Slot(slot)), slots_[slot].size)};
}

std::optional<ImagePool::Pin> ImagePool::Find(std::uint32_t image) {
  MutexLock lock(mutex_);
  while (true) {
    const std::uint32_t place = slot_of_[image];
    if (place == 0) return std::nullopt;
    if (slots_[place - 1].state == State::kReady) {
      ++statistics_.hits;
      return PinLocked(place - 1);
    }
    filled_.wait(mutex_);
  }
}

std::optional<ImagePool::Filling> ImagePool::BeginFill(std::uint32_t image, ImageSize size) {
  const Bytes bytes = PageSlots::PageBytes(size.PixelBytes());
  MutexLock lock(mutex_);
  if (slot_of_[image] != 0 || bytes > memory_->slot_bytes()) return std::nullopt;
  const std::optional<std::size_t> place = MakeRoom(bytes);
  if (!place) return std::nullopt;
  Slot& slot = slots_[*place];
  slot = {.state = State::kFilling, .image = image, .pins = 0, .bytes = bytes, .size = size};
  held_ += bytes;
  slot_of_[image] = static_cast<std::uint32_t>(*place + 1);
  ++statistics_.misses;
  memory_->Use(*place, size.PixelBytes());
  return Filling(this, *place, PackedView(memory_->Slot(*place), size));
}

std::optional<std::size_t> ImagePool::MakeRoom(Bytes bytes) {
  if (bytes > limit_) return std::nullopt;
  const auto is_free = [](const Slot& slot) { return slot.state == State::kFree; };
  bool evicted = false;
  while (true) {
    const auto free = std::find_if(slots_.begin(), slots_.end(), is_free);
    if (free != slots_.end() && held_ + bytes <= limit_) {
      const auto place = static_cast<std::size_t>(free - slots_.begin());
      if (evicted) TrimFreePlaces(place);
      return place;
    }
    const std::optional<std::size_t> victim = Victim();
    if (!victim) return std::nullopt;
    Empty(*victim);
    evicted = true;
  }
}

// A large picture may push out several small ones, whose places stay empty: their pages must go.
void ImagePool::TrimFreePlaces(std::optional<std::size_t> except) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state == State::kFree && i != except) memory_->Trim(i, Bytes());
  }
}

std::optional<std::size_t> ImagePool::Victim() const {
  std::optional<std::size_t> victim;
  std::int64_t latest = -1;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state != State::kReady || slots_[i].pins > 0) continue;
    const std::int64_t next = NextUse(slots_[i].image);
    if (next > latest) {
      latest = next;
      victim = i;
    }
  }
  return victim;
}

void ImagePool::Empty(std::size_t slot) {
  slot_of_[slots_[slot].image] = 0;
  held_ -= slots_[slot].bytes;
  slots_[slot] = {};
}

ImagePool::Pin ImagePool::FinishFill(std::size_t slot) {
  MutexLock lock(mutex_);
  slots_[slot].state = State::kReady;
  filled_.notify_all();
  return PinLocked(slot);
}

void ImagePool::Abandon(std::size_t slot) {
  MutexLock lock(mutex_);
  Empty(slot);
  filled_.notify_all();
}

void ImagePool::Unpin(std::size_t slot) {
  MutexLock lock(mutex_);
  --slots_[slot].pins;
}

std::int64_t ImagePool::NextUse(std::uint32_t image) const {
  const std::uint32_t use = first_use_[image];
  return use == 0 ? kNever : uses_[use - 1].position;
}

void ImagePool::Announce(std::int64_t position, std::span<const std::uint32_t> images) {
  MutexLock lock(mutex_);
  for (const std::uint32_t image : images) {
    if (uses_end_ - uses_begin_ == kUses) return;  // Farther away than anything that matters.
    const auto place = static_cast<std::uint32_t>(uses_end_++ % kUses);
    uses_[place] = {.position = position, .image = image, .next = 0};
    if (first_use_[image] == 0) {
      first_use_[image] = place + 1;
    } else {
      uses_[last_use_[image] - 1].next = place + 1;
    }
    last_use_[image] = place + 1;
  }
}

void ImagePool::Pass(std::int64_t position) {
  MutexLock lock(mutex_);
  for (; uses_begin_ < uses_end_; ++uses_begin_) {
    const Use& use = uses_[uses_begin_ % kUses];
    if (use.position >= position) return;
    first_use_[use.image] = use.next;
  }
}

void ImagePool::ForgetAnnounced() {
  MutexLock lock(mutex_);
  for (; uses_begin_ < uses_end_; ++uses_begin_) first_use_[uses_[uses_begin_ % kUses].image] = 0;
}

ImagePool::Statistics ImagePool::statistics() const {
  MutexLock lock(mutex_);
  return statistics_;
}

Bytes ImagePool::held() const {
  MutexLock lock(mutex_);
  return held_;
}

Bytes ImagePool::limit() const {
  MutexLock lock(mutex_);
  return limit_;
}

Bytes ImagePool::Release(Bytes wanted, ReclaimTime /*time*/) {
  MutexLock lock(mutex_);
  // Room that was never filled counts as well: it was reserved.
  Bytes given = std::min(wanted, SaturatingSub(limit_, held_));
  while (given < wanted) {
    const std::optional<std::size_t> victim = Victim();
    if (!victim) break;
    given += slots_[*victim].bytes;
    Empty(*victim);
  }
  given = std::min(given, limit_);
  limit_ -= given;
  if (!reservation_.empty()) reservation_.Resize(limit_);
  TrimFreePlaces(std::nullopt);
  return given;
}

MemoryNeed EstimateMemory(const ImagePoolOptions& options) {
  MemoryNeed need(MemoryTag::kMosaicPool, WantedBytes(options));
  need.Add(MemoryTag::kLabels, Bytes::Of(options.images, 3 * sizeof(std::uint32_t)));
  return need;
}

}  // namespace headroom
