// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <string>

namespace headroom {

// The header of an epoch's lines, and the line itself: epoch, losses, instances, size, then done,
// speed, elapsed<left, RAM and GPU against their limits. In a narrower terminal the least needed
// parts go first, so that a line is never wrapped. width 0: everything. Pure.
[[nodiscard]] std::string ProgressHeader(const char* third_loss, int width);
[[nodiscard]] std::string ProgressLine(const BatchEvent& event, double elapsed_s, int width);

// 59.9s, 1:05, 1:02:03.
[[nodiscard]] std::string Duration(double seconds);
// Twelve cells.
[[nodiscard]] std::string ProgressBar(std::int64_t done, std::int64_t all);

}  // namespace headroom
