// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_position.h"

#include <algorithm>

namespace headroom {

RunPosition InBatchesOf(const RunPosition& from, int batch, std::int64_t batches) {
  RunPosition to = from;
  to.batch = batch;
  to.batches = batches;
  if (from.batch == 0 || (from.batch == batch && from.batches == batches)) return to;
  const bool complete = from.next_batch >= from.batches;
  to.next_batch = complete ? batches : std::min(from.next_batch * from.batch / batch, batches);
  const double share = from.next_batch == 0 ? 0
                                            : static_cast<double>(to.next_batch) /
                                                  static_cast<double>(from.next_batch);
  to.epoch_items *= share;
  const std::int64_t waiting = from.batches * from.epoch + from.next_batch - 1 - from.last_step;
  to.last_step = batches * to.epoch + to.next_batch - 1 - waiting * from.batch / batch;
  return to;
}

}  // namespace headroom
