// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/metrics/average_precision.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// The table that a validation prints, column for column the reference's. Lines without newline.

// "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95)"
[[nodiscard]] std::string ValidationHeader();
// The row "all".
[[nodiscard]] std::string ValidationSummaryRow(const DetectionMetrics& metrics);
// A row a class with labels; names by class id.
[[nodiscard]] std::vector<std::string> ValidationClassRows(const DetectionMetrics& metrics,
                                                           std::span<const std::string> names);

// Milliseconds an image.
struct ValidationSpeed {
  double preprocess_ms = 0;
  double inference_ms = 0;
  double loss_ms = 0;
  double postprocess_ms = 0;
};
// "Speed: 0.1ms preprocess, 9.8ms inference, 0.0ms loss, 0.4ms postprocess per image"
[[nodiscard]] std::string ValidationSpeedLine(const ValidationSpeed& speed);

}  // namespace headroom
