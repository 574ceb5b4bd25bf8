// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <span>
#include <string>

namespace headroom {

// Lines of a run's progress for a terminal of `width` columns, or with 0 for a log: then everything
// but the bar. In a narrow terminal the least needed parts go first; a line is always shorter than
// the width, so that it never wraps. Pure.

// The header of an epoch's lines; empty where there is no room for columns.
[[nodiscard]] std::string ProgressHeader(std::span<const std::string> losses, int width);
// Epoch, losses, instances, size, then done, speed, elapsed<left, RAM and GPU against their limits.
[[nodiscard]] std::string ProgressLine(const BatchEvent& event, double elapsed_s, int width);
// A validation on its way.
[[nodiscard]] std::string ValidationLine(std::int64_t done, std::int64_t all, int width);
// What a validation found: the table's header and row, or one short line.
[[nodiscard]] std::string ValidationFound(const DetectionMetrics& metrics, int width);
// An epoch in one line (verbose=False). `last`: its last batch.
[[nodiscard]] std::string EpochLine(const EpochEvent& event, const BatchEvent& last);

// 59.9s, 1:05, 1:02:03.
[[nodiscard]] std::string Duration(double seconds);
// Twelve cells.
[[nodiscard]] std::string ProgressBar(std::int64_t done, std::int64_t all);

}  // namespace headroom
