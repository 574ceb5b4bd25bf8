// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"

#include <span>

namespace headroom {

// How an image lies in the network's input: network = source * scale + pad.
struct SourceMap {
  int source_width = 0;
  int source_height = 0;
  float scale_x = 1;
  float scale_y = 1;
  float pad_x = 0;
  float pad_y = 0;
};

// The map of a letterboxed image, from the two sizes: scaled by the smaller ratio, sides rounded to
// whole pixels (so each axis has its own scale), centred with an odd pixel after it.
[[nodiscard]] SourceMap LetterboxSourceMap(int source_width, int source_height, int network_width,
                                           int network_height);

// Network pixels to source pixels, clipped to the image. NaN becomes 0.
[[nodiscard]] Xyxy MapToSource(const Xyxy& box, const SourceMap& map);
void MapToSource(std::span<Detection> detections, const SourceMap& map);

}  // namespace headroom
