// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/placement.h"

#include "headroom/core/check.h"

#include <utility>

namespace headroom {

thread_local std::array<PlacementScope::Slot, PlacementScope::kSlots> PlacementScope::slots_;

PlacementScope::~PlacementScope() { slots_ = {}; }

void PlacementScope::Add(void* address, std::size_t bytes) {
  if (address == nullptr || bytes == 0) return;
  for (Slot& slot : slots_) {
    if (slot.address != nullptr) continue;
    slot = {address, bytes};
    return;
  }
  HEADROOM_CHECK(false, "more placements than slots");
}

void* PlacementScope::Take(std::size_t bytes) noexcept {
  for (Slot& slot : slots_) {
    if (slot.address != nullptr && slot.bytes == bytes) return std::exchange(slot, {}).address;
  }
  return nullptr;
}

}  // namespace headroom
