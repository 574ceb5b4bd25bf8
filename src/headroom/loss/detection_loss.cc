// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/detection_loss.h"

#include "headroom/core/check.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace headroom {

AssignerOptions DetectionLossOptions::assigner() const {
  AssignerOptions result{.topk = topk, .topk2 = topk2};
  result.min_side = static_cast<float>(strides.size() > 1 ? strides[1] : strides.front());
  return result;
}

LossSums& LossSums::operator+=(const LossSums& other) {
  box += other.box;
  classification += other.classification;
  distance += other.distance;
  target_scores += other.target_scores;
  return *this;
}

DetectionLoss::DetectionLoss(DetectionLossOptions options) : options_(std::move(options)) {
  HEADROOM_CHECK(options_.classes >= 1 && options_.reg_max >= 1 && !options_.strides.empty(),
                 "empty loss options");
  HEADROOM_CHECK(options_.class_weights.empty() ||
                     options_.class_weights.size() == static_cast<std::size_t>(options_.classes),
                 "one class weight a class, or none");
}

AnchorGrid DetectionLoss::CheckedGrid(const HeadMaps& maps, const BatchTargets& targets) const {
  HEADROOM_CHECK(maps.boxes.size() == options_.strides.size() &&
                     maps.classes.size() == options_.strides.size(),
                 fmt::format("{} box maps and {} class maps for {} strides", maps.boxes.size(),
                             maps.classes.size(), options_.strides.size()));
  std::vector<AnchorLevel> levels;
  for (std::size_t i = 0; i < maps.boxes.size(); ++i) {
    const at::Tensor &box = maps.boxes[i], &cls = maps.classes[i];
    HEADROOM_CHECK(box.dim() == 4 && cls.dim() == 4 && box.size(1) == 4 * options_.reg_max &&
                       cls.size(1) == options_.classes && box.size(0) == targets.images() &&
                       cls.size(0) == targets.images() && box.size(2) == cls.size(2) &&
                       box.size(3) == cls.size(3),
                   fmt::format("head maps {} and {} do not fit {} images, {} bins and {} classes",
                               fmt::join(box.sizes(), "x"), fmt::join(cls.sizes(), "x"),
                               targets.images(), options_.reg_max, options_.classes));
    levels.push_back({.height = static_cast<int>(box.size(2)),
                      .width = static_cast<int>(box.size(3)),
                      .stride = options_.strides[i]});
  }
  for (std::int64_t image = 0; image < targets.images(); ++image) {
    for (const TrueBox& target : targets.image(image)) {
      HEADROOM_CHECK(target.class_id >= 0 && target.class_id < options_.classes,
                     fmt::format("a label of class {} for a head of {} classes", target.class_id,
                                 options_.classes));
    }
  }
  return {levels};
}

HeadMaps ZerosLike(const HeadMaps& maps) {
  HeadMaps result;
  for (const at::Tensor& map : maps.boxes) result.boxes.push_back(at::zeros_like(map));
  for (const at::Tensor& map : maps.classes) result.classes.push_back(at::zeros_like(map));
  return result;
}

}  // namespace headroom
