// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/worker_policy.h"

#include <fmt/format.h>

namespace headroom {
namespace {

// Long enough to average over a few batches.
constexpr double kWatchSeconds = 2;
// A step that waits for less of its time than this gains nothing from another thread.
constexpr double kTolerableWait = 0.05;

}  // namespace

std::optional<WorkerPolicy::Change> WorkerPolicy::Decide(const LoaderStatistics& now, int workers,
                                                         double elapsed_s, bool may_grow,
                                                         bool pressure) {
  waited_s_ += now.consumer_wait_s - last_.consumer_wait_s;
  watched_s_ += elapsed_s;
  last_ = now;
  if (pressure && workers > 1) {
    waited_s_ = watched_s_ = 0;
    return Change{workers - 1,
                  fmt::format("workers: {} -> {}, memory is short", workers, workers - 1)};
  }
  if (watched_s_ < kWatchSeconds) return std::nullopt;
  const double share = waited_s_ / watched_s_;
  waited_s_ = watched_s_ = 0;
  if (share < kTolerableWait || workers >= cores_ || !may_grow || pressure) return std::nullopt;
  return Change{
      workers + 1,
      fmt::format("workers: {} -> {}, the training step waited for data {:.0f} % of the time",
                  workers, workers + 1, 100 * share)};
}

}  // namespace headroom
