// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/loss/loss_items.h"

#include <cstdint>

namespace headroom {

// Where a run stands between two batches, apart from its tensors.
struct RunPosition {
  int epoch = 0;                // From 0: the epoch that `next_batch` belongs to.
  std::int64_t next_batch = 0;  // Of that epoch.
  std::int64_t last_step = -1;  // Iteration (batch of the run, from 0) of the last optimizer step.
  LossItems epoch_items;        // Sums over the epoch's batches so far.
  double seconds = 0;           // Spent so far.
  // What the counts above are in. 0 in a file that does not say it.
  int batch = 0;             // Images a batch.
  std::int64_t batches = 0;  // An epoch.
  int epochs = 0;            // Of the run, as time= had estimated them.
  bool best = false;         // The last complete epoch is the best so far: best.pt is its copy.
};

// The same place counted in batches of another size, or of a data set of another size. Images of a
// batch that was begun only in part are trained on again; the images whose gradients wait for the
// optimizer stay as many as they were.
[[nodiscard]] RunPosition InBatchesOf(const RunPosition& from, int batch, std::int64_t batches);

}  // namespace headroom
