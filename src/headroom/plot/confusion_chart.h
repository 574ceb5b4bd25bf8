// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/figure.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

enum class ConfusionScale : std::uint8_t {
  kCounts,  // Whole numbers; colours by their square root, so that rare classes stay visible.
  kShares,  // Of each true class, 0..1.
};

struct ConfusionData {
  std::vector<std::string> names;  // May be fewer than classes: numbers stand in.
  std::size_t class_count = 0;
  // (class_count + 1)^2, row-major: rows predicted, columns true, the last of each the background.
  std::vector<float> values;
  ConfusionScale scale = ConfusionScale::kCounts;
};

// confusion_matrix.png and confusion_matrix_normalized.png. Numbers in the cells where they fit.
[[nodiscard]] Figure ConfusionFigure(const ConfusionData& data);

}  // namespace headroom
