// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/ledger.h"

namespace headroom {

void Ledger::Counter::Add(std::uint64_t bytes) noexcept {
  const std::uint64_t value = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::uint64_t seen = peak.load(std::memory_order_relaxed);
  while (value > seen && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

void Ledger::Add(MemoryTag tag, Bytes bytes, MemoryPlace place) noexcept {
  At(tag, place).Add(bytes.count());
  totals_[static_cast<std::size_t>(place)].Add(bytes.count());
}

void Ledger::Remove(MemoryTag tag, Bytes bytes, MemoryPlace place) noexcept {
  At(tag, place).Remove(bytes.count());
  totals_[static_cast<std::size_t>(place)].Remove(bytes.count());
}

void Ledger::Retag(MemoryTag from, MemoryTag to, Bytes bytes, MemoryPlace place) noexcept {
  At(from, place).Remove(bytes.count());
  At(to, place).Add(bytes.count());
}

Ledger::Snapshot Ledger::Read() const {
  const auto read = [](const Counter& counter) {
    return Row{Bytes(counter.now.load(std::memory_order_relaxed)),
               Bytes(counter.peak.load(std::memory_order_relaxed))};
  };
  Snapshot snapshot;
  for (std::size_t place = 0; place < kMemoryPlaceCount; ++place) {
    for (std::size_t tag = 0; tag < kMemoryTagCount; ++tag)
      snapshot.rows[place][tag] = read(counters_[place][tag]);
    snapshot.totals[place] = read(totals_[place]);
  }
  return snapshot;
}

void Ledger::ResetPeaks() {
  const auto reset = [](Counter& counter) { counter.peak.store(counter.now.load()); };
  for (auto& place : counters_) {
    for (Counter& counter : place) reset(counter);
  }
  for (Counter& counter : totals_) reset(counter);
}

}  // namespace headroom
