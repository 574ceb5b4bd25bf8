// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom {

// Equal places for pixels, straight from the system: a place costs memory only as far as it was
// written to, nothing is allocated when places change hands, and what is released leaves the
// process at once. Different places may be used by different threads; one place by one at a time.
class PageSlots {
 public:
  // Address space for `count` places of at least `slot_bytes`. Throws BudgetError when the system
  // refuses (an address-space limit).
  PageSlots(std::size_t count, Bytes slot_bytes);
  ~PageSlots();
  PageSlots(const PageSlots&) = delete;
  PageSlots& operator=(const PageSlots&) = delete;

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] Bytes slot_bytes() const { return Bytes(stride_); }
  [[nodiscard]] std::uint8_t* Slot(std::size_t i) const { return base_ + i * stride_; }
  // Gives back the pages of a place behind its first `kept` bytes. Cheap when there are none:
  // the place remembers how far it was in use.
  void Trim(std::size_t i, Bytes kept);
  // Says that the first `bytes` are in use from now on, and gives back what lies behind.
  void Use(std::size_t i, Bytes bytes);
  // Bytes that a place of this content takes.
  [[nodiscard]] static Bytes PageBytes(Bytes content);

 private:
  std::size_t count_;
  std::size_t stride_;
  std::uint8_t* base_ = nullptr;
  std::vector<std::size_t> resident_;  // Written so far, in whole pages.
};

}  // namespace headroom
