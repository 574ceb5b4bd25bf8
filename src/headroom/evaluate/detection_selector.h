// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/end_to_end.h"
#include "headroom/detect/head_view.h"
#include "headroom/detect/nms.h"
#include "headroom/evaluate/detector.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <span>
#include <variant>

namespace headroom {

// Picks a detector's detections out of what its network gives: non-maximum suppression, or the
// selection by score of a one-to-one head. Not thread-safe.
class DetectionSelector {
 public:
  // Reserves its buffers; the budget may be null and must outlive it. Throws BudgetError.
  DetectionSelector(const DetectorOptions& options, int class_count, bool end_to_end,
                    Budget* budget);

  // Best first, network pixels, not clipped; valid until the next call.
  std::span<const Detection> Select(const HeadView& head);
  // Of a network that suppresses nothing; not for end_to_end.
  std::span<const Detection> Select(const DecodedView& predictions);
  // Rows of six floats that the network selected itself; end_to_end only.
  std::span<const Detection> Select(std::span<const float> rows);

 private:
  Reservation reservation_;
  std::variant<NonMaximumSuppression, EndToEndSelection> method_;
};

// What the selector reserves.
[[nodiscard]] MemoryNeed EstimateMemory(const DetectorOptions& options, int class_count,
                                        bool end_to_end);

}  // namespace headroom
