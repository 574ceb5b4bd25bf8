// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/drawn_sample.h"

#include "headroom/data/true_boxes.h"
#include "headroom/plot/class_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace headroom {
namespace {

constexpr float kDrawnConfidence = 0.25F;

std::string FileNameOf(const Sample& sample, const DatasetIndex& index) {
  if (sample.image_index >= index.size()) return {};
  return std::filesystem::path(index.ImagePath(sample.image_index)).filename().string();
}

}  // namespace

PictureGridOptions GridFor(std::int64_t count, ImageSize picture) {
  return {.count = static_cast<int>(std::min(count, kDrawnPictures)), .picture = picture};
}

PictureGridOptions GridFor(std::int64_t count, const Sample& sample) {
  return GridFor(count, ImageSize{sample.height, sample.width});
}

std::vector<DrawnBox> LabelBoxes(const Sample& sample, std::span<const std::string> names) {
  std::vector<TrueBox> labels;
  AppendTrueBoxes(sample, sample.width, sample.height, &labels);
  std::vector<DrawnBox> boxes;
  boxes.reserve(labels.size());
  for (const TrueBox& label : labels) {
    boxes.push_back({.box = label.box,
                     .class_id = label.class_id,
                     .label = ClassLabel(names, static_cast<std::size_t>(label.class_id))});
  }
  return boxes;
}

std::vector<DrawnBox> DetectionBoxes(std::span<const Detection> detections,
                                     std::span<const std::string> names) {
  std::vector<DrawnBox> boxes;
  for (const Detection& detection : detections) {
    if (detection.confidence < kDrawnConfidence) continue;
    const std::string name = ClassLabel(names, static_cast<std::size_t>(detection.class_id));
    boxes.push_back({.box = detection.box,
                     .class_id = detection.class_id,
                     .label = fmt::format("{} {:.2f}", name, detection.confidence)});
  }
  return boxes;
}

void AddToGrid(const Sample& sample, const DatasetIndex& index, std::span<const DrawnBox> boxes,
               PictureGrid& grid) {
  grid.Add(PackedView(sample.pixels.data(), ImageSize{sample.height, sample.width}),
           ColorOrder::kRgb, FileNameOf(sample, index), boxes);
}

}  // namespace headroom
