// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/budget.h"

#include "headroom/core/error.h"
#include "headroom/memory/amount_to_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {

Budget::Budget(MemoryPlace place, Bytes limit, std::string origin, Ledger& ledger)
    : place_(place), ledger_(ledger), limit_(limit.count()), origin_(std::move(origin)) {}

bool Budget::ChargeWithinLimit(MemoryTag tag, Bytes bytes) noexcept {
  std::uint64_t seen = used_.load(std::memory_order_relaxed);
  do {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    if (seen > limit || bytes.count() > limit - seen) return false;
  } while (!used_.compare_exchange_weak(seen, seen + bytes.count(), std::memory_order_acquire,
                                        std::memory_order_relaxed));
  ledger_.Add(tag, bytes, place_);
  return true;
}

bool Budget::TryCharge(MemoryTag tag, Bytes bytes) {
  std::uint64_t number = charges_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (fail_at_.compare_exchange_strong(number, 0, std::memory_order_relaxed)) return false;
  if (ChargeWithinLimit(tag, bytes)) return true;
  // What others give back may be taken by a third before it is charged here: ask until none gives.
  while (Reclaim(SaturatingSub(bytes, available()), ReclaimTime::kNow) > Bytes()) {
    if (ChargeWithinLimit(tag, bytes)) return true;
  }
  return ChargeWithinLimit(tag, bytes);
}

void Budget::Charge(MemoryTag tag, Bytes bytes) {
  if (!TryCharge(tag, bytes)) throw BudgetError(Explain(tag, bytes));
}

void Budget::Release(MemoryTag tag, Bytes bytes) noexcept {
  // The ledger first: else another thread charges the same bytes before they leave the ledger, and
  // its peak shows more than was ever held.
  ledger_.Remove(tag, bytes, place_);
  used_.fetch_sub(bytes.count(), std::memory_order_release);
}

void Budget::Register(Reclaimable& holder) {
  MutexLock lock(mutex_);
  const auto after =
      std::upper_bound(holders_.begin(), holders_.end(), &holder,
                       [](const auto* a, const auto* b) { return a->order() < b->order(); });
  holders_.insert(after, &holder);
}

void Budget::Unregister(Reclaimable& holder) {
  MutexLock lock(mutex_);
  std::erase(holders_, &holder);
}

Bytes Budget::Reclaim(Bytes wanted, ReclaimTime time, ReclaimOrder last) {
  MutexLock lock(mutex_);
  Bytes given;
  for (Reclaimable* holder : holders_) {
    if (given >= wanted || holder->order() > last) break;
    given += holder->Release(wanted - given, time);
  }
  return given;
}

void Budget::SetLimit(Bytes limit, std::string origin) {
  MutexLock lock(mutex_);
  limit_.store(limit.count(), std::memory_order_relaxed);
  origin_ = std::move(origin);
}

std::string Budget::origin() const {
  MutexLock lock(mutex_);
  return origin_;
}

std::string Budget::Explain(MemoryTag tag, Bytes asked) const {
  const Ledger::Snapshot snapshot = ledger_.Read();
  std::vector<std::pair<Bytes, std::string_view>> rows;
  for (std::size_t i = 0; i < kMemoryTagCount; ++i) {
    const auto held_tag = static_cast<MemoryTag>(i);
    const Bytes held = snapshot.row(held_tag, place_).now;
    if (held > Bytes()) rows.emplace_back(held, Name(held_tag));
  }
  std::sort(rows.rbegin(), rows.rend());
  std::string held_text;
  for (const auto& [held, name] : rows)
    held_text += fmt::format("{}{} {}", held_text.empty() ? "" : ", ", name, ToString(held));
  const Bytes held_now = used();
  const Bytes need =
      asked > SaturatingSub(Bytes::Max(), held_now) ? Bytes::Max() : held_now + asked;
  const char* option = place_ == MemoryPlace::kHost ? "memory" : "vram";
  return fmt::format(
      "{} asked for {} of {} memory, but {} of the limit of {} is in use ({}). The limit is {}. "
      "Raise it with {}={} or more, where there is so much, or use a smaller batch= or imgsz=",
      Name(tag), ToString(asked), Name(place_), ToString(held_now), ToString(limit()),
      held_text.empty() ? "nothing named" : held_text, origin(), option, AmountToType(need));
}

}  // namespace headroom
