// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/match_predictions.h"

#include "headroom/geometry/iou.h"

namespace headroom {

MatchMask ClaimLabels(std::span<const LabelOverlap> overlaps, std::span<MatchMask> claimed) {
  MatchMask mask = 0;
  for (int t = 0; t < kIouThresholdCount; ++t) {
    const auto bit = static_cast<MatchMask>(1U << t);
    const LabelOverlap* best = nullptr;
    for (const LabelOverlap& overlap : overlaps) {
      if (overlap.iou < IouThreshold(t) || (claimed[overlap.label] & bit) != 0) continue;
      if (best == nullptr || overlap.iou > best->iou) best = &overlap;
    }
    if (best == nullptr) continue;
    mask |= bit;
    claimed[best->label] |= bit;
  }
  return mask;
}

std::span<const MatchMask> PredictionMatcher::Match(std::span<const Detection> detections,
                                                    std::span<const TrueBox> labels) {
  claimed_.assign(labels.size(), 0);
  masks_.clear();
  for (const Detection& detection : detections) {
    overlaps_.clear();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i].class_id != detection.class_id) continue;
      const float iou = Iou(labels[i].box, detection.box);
      if (iou >= IouThreshold(0)) overlaps_.push_back({static_cast<std::uint32_t>(i), iou});
    }
    masks_.push_back(ClaimLabels(overlaps_, claimed_));
  }
  return masks_;
}

}  // namespace headroom
