// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstdint>
#include <string_view>

namespace headroom {

// Order of least harm: lower values give first.
enum class ReclaimOrder : std::uint8_t {
  kFreeBlocks,
  kImageCache,
  kMosaicPool,
  kImagesInFlight,
  kWorkers,
  kRecomputeActivations,
  kMicroBatchAbove16,
  kRecomputeBlocks,
  kMicroBatchBelow16,
};

// When memory may be given back.
enum class ReclaimTime : std::uint8_t {
  kNow,         // From any thread, in the middle of a step: must not wait for the step.
  kAtBoundary,  // Between two micro-batches, from the training thread.
};

// A holder of memory that can do with less.
class Reclaimable {
 public:
  virtual ~Reclaimable() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual ReclaimOrder order() const = 0;
  // Gives back about `wanted` bytes, or what it can, and returns how much: 0 when it has nothing to
  // give at this time. Does not allocate. Thread-safe for kNow.
  virtual Bytes Release(Bytes wanted, ReclaimTime time) = 0;
};

}  // namespace headroom
