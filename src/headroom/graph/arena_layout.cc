// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/arena_layout.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace headroom {
namespace {

std::uint64_t PlacedSize(const Buffer& buffer) {
  return RoundUp(buffer.bytes(), Bytes(kArenaAlignment)).count();
}

bool Meet(const Buffer& a, const Buffer& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
}

bool InArena(const Buffer& buffer) { return buffer.offset != -1 || !buffer.foreign; }

// The lowest offset at which `size` bytes are free of the occupied stretches (sorted by start).
std::uint64_t LowestGap(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& occupied,
                        std::uint64_t size) {
  // Nothing lies at the arena's first byte: a result placed there would pass for the arena itself
  // when LibTorch frees it.
  std::uint64_t at = kArenaAlignment;
  for (const auto& [start, end] : occupied) {
    if (start >= at + size) break;
    at = std::max(at, end);
  }
  return at;
}

}  // namespace

Bytes LayOutArena(std::span<Buffer> buffers) {
  std::vector<Buffer*> order;
  for (Buffer& buffer : buffers) {
    if (InArena(buffer)) order.push_back(&buffer);
  }
  std::stable_sort(order.begin(), order.end(), [](const Buffer* a, const Buffer* b) {
    return PlacedSize(*a) > PlacedSize(*b);
  });
  std::uint64_t arena = 0;
  std::vector<const Buffer*> placed;
  for (Buffer* buffer : order) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> occupied;
    for (const Buffer* other : placed) {
      if (!Meet(*buffer, *other)) continue;
      const auto start = static_cast<std::uint64_t>(other->offset);
      occupied.emplace_back(start, start + PlacedSize(*other));
    }
    std::sort(occupied.begin(), occupied.end());
    const std::uint64_t offset = LowestGap(occupied, PlacedSize(*buffer));
    buffer->offset = static_cast<std::int64_t>(offset);
    arena = std::max(arena, offset + PlacedSize(*buffer));
    placed.push_back(buffer);
  }
  return Bytes(arena);
}

Bytes LowerBound(std::span<const Buffer> buffers) {
  int end = 0;
  for (const Buffer& buffer : buffers) end = std::max(end, buffer.last_use + 1);
  std::vector<std::int64_t> change(static_cast<std::size_t>(end) + 1);
  for (const Buffer& buffer : buffers) {
    if (!InArena(buffer)) continue;
    const auto size = static_cast<std::int64_t>(PlacedSize(buffer));
    change[static_cast<std::size_t>(buffer.first_use)] += size;
    change[static_cast<std::size_t>(buffer.last_use) + 1] -= size;
  }
  std::int64_t now = 0;
  std::int64_t most = 0;
  for (const std::int64_t delta : change) most = std::max(most, now += delta);
  return Bytes(static_cast<std::uint64_t>(most));
}

}  // namespace headroom
