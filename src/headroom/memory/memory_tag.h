// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom {

// Who holds the bytes: a row of the plan and of the ledger.
enum class MemoryTag : std::uint8_t {
  kOther,
  kWeights,
  kGradients,
  kOptimizer,
  kEma,
  kActivations,
  kWorkspace,
  kLoss,
  kLabels,
  kImageCache,
  kMosaicPool,
  kBatches,
  kDecode,
  kValidation,
  kPlots,
  kCheckpoint,
  kRuntime,
  kFreeBlocks,  // Committed by an allocator, in no block: kept for the next request.
};
inline constexpr std::size_t kMemoryTagCount = static_cast<std::size_t>(MemoryTag::kFreeBlocks) + 1;

// As printed in the plan: "weights", "mosaic pool".
[[nodiscard]] std::string_view Name(MemoryTag tag);

// Where the bytes lie.
enum class MemoryPlace : std::uint8_t { kHost, kDevice };
inline constexpr std::size_t kMemoryPlaceCount = 2;
[[nodiscard]] std::string_view Name(MemoryPlace place);

}  // namespace headroom
