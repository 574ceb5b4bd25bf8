// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/draw_detections.h"

#include "headroom/plot/class_names.h"
#include "headroom/plot/draw_boxes.h"

#include <fmt/format.h>

#include <vector>

namespace headroom {
namespace {

std::string LabelOf(const Detection& detection, std::span<const std::string> names,
                    const DrawStyle& style) {
  if (!style.labels) return {};
  std::string label = ClassLabel(names, static_cast<std::size_t>(detection.class_id));
  if (style.confidences) label += fmt::format(" {:.2f}", detection.confidence);
  return label;
}

}  // namespace

void DrawDetections(const MutableImageView& bgr, std::span<const Detection> detections,
                    std::span<const std::string> names, const DrawStyle& style) {
  if (!style.boxes) return;
  std::vector<DrawnBox> boxes;
  boxes.reserve(detections.size());
  for (const Detection& detection : detections)
    boxes.push_back({detection.box, detection.class_id, LabelOf(detection, names, style)});
  DrawBoxes(bgr, ColorOrder::kBgr, boxes, style.line_width);
}

}  // namespace headroom
