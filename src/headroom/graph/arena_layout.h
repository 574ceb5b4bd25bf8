// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/graph/program.h"

#include <span>

namespace headroom {

inline constexpr std::uint64_t kArenaAlignment = 64;

// Gives every buffer that belongs in the arena an offset such that buffers whose lifetimes meet do
// not overlap; returns the arena's size. Largest first, each at the lowest gap that takes it
// (greedy by size: Pisarchyk and Lee 2020, arXiv:2001.03288, sec. 4.2). O(n^2) for n buffers.
Bytes LayOutArena(std::span<Buffer> buffers);

// The most bytes that are in use at one time: no layout can be smaller.
[[nodiscard]] Bytes LowerBound(std::span<const Buffer> buffers);

}  // namespace headroom
