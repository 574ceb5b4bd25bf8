// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/graph/program.h"

#include <cstdint>

namespace headroom {

// What decides how much a training run holds. The plan may change all but the batch; of those only
// the micro-batch changes results (batch-norm normalises it as a whole).
struct TrainSettings {
  int batch = 16;
  std::int64_t micro_batch = 16;  // Images that go through the network at once.
  std::int64_t validate_at_once = 16;
  Recompute recompute = Recompute::kActivations;
  int workers = 2;
  int prefetch = 0;  // Images made ahead; 0: PrefetchFor(workers).
  Bytes pool_limit = Bytes::MiB(400);
  Bytes cache_limit;  // Of cache=ram; 0: none.
  // Pictures have room of their own in every step; else they are drawn where there is room.
  bool plots = false;

  [[nodiscard]] LoaderOptions loader() const {
    return {
        .workers = workers, .max_in_flight = static_cast<int>(micro_batch), .prefetch = prefetch};
  }
  friend bool operator==(const TrainSettings&, const TrainSettings&) = default;
};

}  // namespace headroom
