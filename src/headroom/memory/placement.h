// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

namespace headroom {

// Tells this thread's next allocation of exactly `bytes` bytes where to lie. LibTorch allocates the
// results of a convolution itself; through this it allocates them at the place that the plan gave
// them, and nothing is copied. A placement serves once and ends with its scope. Whoever allocates
// (the CPU allocator) asks Take; the memory stays its owner's.
class PlacementScope {
 public:
  PlacementScope() = default;
  ~PlacementScope();
  PlacementScope(const PlacementScope&) = delete;
  PlacementScope& operator=(const PlacementScope&) = delete;

  // At most four a scope; null pointers and 0 bytes are ignored.
  void Add(void* address, std::size_t bytes);

  // The address for an allocation of this size, or null.
  [[nodiscard]] static void* Take(std::size_t bytes) noexcept;

 private:
  struct Slot {
    void* address = nullptr;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t kSlots = 4;
  static thread_local std::array<Slot, kSlots> slots_;
};

}  // namespace headroom
