// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_tag.h"

namespace headroom {

// Bytes of a budget, held as long as it lives. Reserve first, allocate second; the owner of the
// memory holds its reservation. Move-only. Not thread-safe itself.
class Reservation {
 public:
  Reservation() = default;
  // Throws BudgetError when the bytes do not fit.
  Reservation(Budget& budget, MemoryTag tag, Bytes bytes);
  ~Reservation() { Reset(); }
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  // An empty reservation when the bytes do not fit (bytes() is then 0).
  [[nodiscard]] static Reservation Try(Budget& budget, MemoryTag tag, Bytes bytes);

  // Grows (throws BudgetError, nothing changed) or shrinks.
  void Resize(Bytes bytes);
  // The same, but false where Resize throws.
  [[nodiscard]] bool TryResize(Bytes bytes);
  void Reset() noexcept;
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return budget_ == nullptr; }

 private:
  Budget* budget_ = nullptr;
  MemoryTag tag_ = MemoryTag::kOther;
  Bytes bytes_;
};

}  // namespace headroom
