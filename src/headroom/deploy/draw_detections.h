// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"
#include "headroom/image/image.h"

#include <span>
#include <string>

namespace headroom {

struct DrawStyle {
  int line_width = 0;  // Pixels; 0: by the image's size.
  bool boxes = true;
  bool labels = true;
  bool confidences = true;
};

// Draws boxes with "name 0.87" onto BGR pixels; one of 20 colours a class.
void DrawDetections(const MutableImageView& bgr, std::span<const Detection> detections,
                    std::span<const std::string> names, const DrawStyle& style);

}  // namespace headroom
