// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/map_boxes.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

float ToSource(float value, float pad, float scale, int limit) {
  const float source = (value - pad) / scale;
  if (!(source > 0)) return 0;
  return std::min(source, static_cast<float>(limit));
}

}  // namespace

SourceMap LetterboxSourceMap(int source_width, int source_height, int network_width,
                             int network_height) {
  const double gain = std::min(static_cast<double>(network_width) / source_width,
                               static_cast<double>(network_height) / source_height);
  // Halves to even, as the letterbox itself rounds.
  const double width = std::nearbyint(source_width * gain);
  const double height = std::nearbyint(source_height * gain);
  SourceMap map;
  map.source_width = source_width;
  map.source_height = source_height;
  map.scale_x = static_cast<float>(width / source_width);
  map.scale_y = static_cast<float>(height / source_height);
  map.pad_x = static_cast<float>(std::nearbyint((network_width - width) / 2 - 0.1));
  map.pad_y = static_cast<float>(std::nearbyint((network_height - height) / 2 - 0.1));
  return map;
}

Xyxy MapToSource(const Xyxy& box, const SourceMap& map) {
  return {ToSource(box.x1, map.pad_x, map.scale_x, map.source_width),
          ToSource(box.y1, map.pad_y, map.scale_y, map.source_height),
          ToSource(box.x2, map.pad_x, map.scale_x, map.source_width),
          ToSource(box.y2, map.pad_y, map.scale_y, map.source_height)};
}

void MapToSource(std::span<Detection> detections, const SourceMap& map) {
  for (Detection& detection : detections) detection.box = MapToSource(detection.box, map);
}

}  // namespace headroom
