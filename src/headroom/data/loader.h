// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/sample.h"

#include <cstdint>

namespace headroom {

// Delivers the images of an epoch in order. Position p of an epoch is the p-th image of its order;
// batch k of nominal size B holds positions kB .. min((k+1)B, size()) - 1, whose shapes are equal.
// What a position holds is a function of (seed, epoch, position) alone.
// One consumer thread. A failure inside a worker is rethrown by Get.
class Loader {
 public:
  virtual ~Loader() = default;

  // Images in an epoch.
  [[nodiscard]] virtual std::int64_t size() const = 0;

  // Starts (or restarts) an epoch at a position; whatever was in flight is dropped.
  virtual void StartEpoch(int epoch, std::int64_t first_position) = 0;

  // Blocks until the image at the position is ready. The view stays valid, for any number of calls,
  // until the position is acknowledged: a replayed micro-batch decodes nothing again.
  // Positions must lie within `max_in_flight()` of the first one not yet acknowledged.
  virtual const Sample& Get(std::int64_t position) = 0;

  // Everything before `position` was committed; its slots are reused.
  virtual void Acknowledge(std::int64_t position) = 0;

  // Images that can be held between Get and Acknowledge: at least the largest micro-batch.
  [[nodiscard]] virtual int max_in_flight() const = 0;

  // Ends mosaic, mixup, cutmix and copy-paste (close_mosaic) from the next StartEpoch on.
  virtual void CloseMosaic() = 0;
};

}  // namespace headroom
