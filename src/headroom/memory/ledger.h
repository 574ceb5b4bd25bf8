// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/memory_tag.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace headroom {

// Bytes now and peak, per place and tag. Thread-safe and lock-free: it is charged from inside
// allocators. Peaks of a tag and of a place are exact under concurrency (compare-and-swap maxima
// of values that were really reached).
class Ledger {
 public:
  struct Row {
    Bytes now;
    Bytes peak;
  };
  struct Snapshot {
    std::array<std::array<Row, kMemoryTagCount>, kMemoryPlaceCount> rows;
    std::array<Row, kMemoryPlaceCount> totals;

    [[nodiscard]] const Row& row(MemoryTag tag, MemoryPlace place = MemoryPlace::kHost) const {
      return rows[static_cast<std::size_t>(place)][static_cast<std::size_t>(tag)];
    }
    [[nodiscard]] const Row& total(MemoryPlace place = MemoryPlace::kHost) const {
      return totals[static_cast<std::size_t>(place)];
    }
  };

  void Add(MemoryTag tag, Bytes bytes, MemoryPlace place = MemoryPlace::kHost) noexcept;
  void Remove(MemoryTag tag, Bytes bytes, MemoryPlace place = MemoryPlace::kHost) noexcept;
  // Moves bytes from one tag to another; totals do not change.
  void Retag(MemoryTag from, MemoryTag to, Bytes bytes,
             MemoryPlace place = MemoryPlace::kHost) noexcept;

  [[nodiscard]] Snapshot Read() const;
  // Peaks start again from what is held now.
  void ResetPeaks();

 private:
  struct Counter {
    std::atomic<std::uint64_t> now{0};
    std::atomic<std::uint64_t> peak{0};

    void Add(std::uint64_t bytes) noexcept;
    void Remove(std::uint64_t bytes) noexcept { now.fetch_sub(bytes, std::memory_order_relaxed); }
  };
  Counter& At(MemoryTag tag, MemoryPlace place) {
    return counters_[static_cast<std::size_t>(place)][static_cast<std::size_t>(tag)];
  }

  std::array<std::array<Counter, kMemoryTagCount>, kMemoryPlaceCount> counters_;
  std::array<Counter, kMemoryPlaceCount> totals_;
};

}  // namespace headroom
