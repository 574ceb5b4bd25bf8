// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/memory/memory_tag.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom {

// How a figure is known, worst first when figures are combined.
enum class NeedBasis : std::uint8_t { kExact, kMeasured, kAssumed };
[[nodiscard]] std::string_view Name(NeedBasis basis);

// Bytes that a part will hold at most, per place and tag. Declared by the code that sizes the
// buffers, before it allocates; the plan only adds needs that are held together and takes the
// maximum of those that are not.
class MemoryNeed {
 public:
  struct Row {
    Bytes bytes;
    NeedBasis basis = NeedBasis::kExact;
  };

  MemoryNeed() = default;
  // A host need of one tag.
  MemoryNeed(MemoryTag tag, Bytes bytes, NeedBasis basis = NeedBasis::kExact) {
    Add(tag, bytes, basis);
  }

  MemoryNeed& Add(MemoryTag tag, Bytes bytes, NeedBasis basis = NeedBasis::kExact,
                  MemoryPlace place = MemoryPlace::kHost);
  // Both are held at the same time.
  MemoryNeed& operator+=(const MemoryNeed& other);
  friend MemoryNeed operator+(MemoryNeed a, const MemoryNeed& b) { return a += b; }
  // One or the other is held: the larger of the two for every place and tag.
  [[nodiscard]] static MemoryNeed Max(const MemoryNeed& a, const MemoryNeed& b);

  [[nodiscard]] const Row& row(MemoryTag tag, MemoryPlace place = MemoryPlace::kHost) const;
  [[nodiscard]] Bytes Total(MemoryPlace place = MemoryPlace::kHost) const;

 private:
  std::array<std::array<Row, kMemoryTagCount>, kMemoryPlaceCount> rows_;
};

}  // namespace headroom
