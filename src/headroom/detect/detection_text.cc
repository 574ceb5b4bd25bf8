// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/detection_text.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <vector>

namespace headroom {

std::string DetectionSummary(std::span<const Detection> detections,
                             std::span<const std::string> names) {
  if (detections.empty()) return "(no detections), ";
  std::vector<int> counts(names.size());
  for (const Detection& detection : detections) {
    const auto id = static_cast<std::size_t>(detection.class_id);
    HEADROOM_CHECK(id < names.size(), fmt::format("class {}, {} names", id, names.size()));
    ++counts[id];
  }
  std::string text;
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (counts[c] > 0)
      text += fmt::format("{} {}{}, ", counts[c], names[c], counts[c] > 1 ? "s" : "");
  }
  return text;
}

std::string DetectionLines(std::span<const Detection> detections, int image_width, int image_height,
                           WithConfidence with_confidence) {
  const auto width = static_cast<float>(image_width);
  const auto height = static_cast<float>(image_height);
  std::string lines;
  for (const Detection& detection : detections) {
    const Xywh box = ToXywh(detection.box);
    lines += fmt::format("{} {:g} {:g} {:g} {:g}", detection.class_id, box.x / width,
                         box.y / height, box.w / width, box.h / height);
    if (with_confidence == WithConfidence::kYes)
      lines += fmt::format(" {:g}", detection.confidence);
    lines += '\n';
  }
  return lines;
}

}  // namespace headroom
