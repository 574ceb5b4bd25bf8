// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/confusion_matrix.h"

#include "headroom/core/check.h"
#include "headroom/geometry/iou.h"

#include <fmt/format.h>

namespace headroom {
namespace {

std::size_t CellCount(const ConfusionMatrixOptions& options) {
  const auto side = static_cast<std::size_t>(options.class_count) + 1;
  return side * side;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(const ConfusionMatrixOptions& options)
    : options_(options), counts_(CellCount(options)) {}

void ConfusionMatrix::AddImage(std::span<const Detection> detections,
                               std::span<const TrueBox> labels) {
  taken_.assign(labels.size(), 0);
  const auto known = [&](int class_id) { return class_id >= 0 && class_id < class_count(); };
  for (const Detection& detection : detections) {
    if (!(detection.confidence > options_.confidence)) continue;
    HEADROOM_CHECK(known(detection.class_id),
                   fmt::format("class {} of {}", detection.class_id, class_count()));
    std::size_t best = labels.size();
    float best_iou = options_.iou;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (taken_[i] != 0 || !known(labels[i].class_id)) continue;
      const float iou = Iou(labels[i].box, detection.box);
      if (iou > best_iou) {
        best = i;
        best_iou = iou;
      }
    }
    int truth = background();
    if (best < labels.size()) {
      taken_[best] = 1;
      truth = labels[best].class_id;
    }
    ++counts_[Index(detection.class_id, truth)];
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (taken_[i] == 0 && known(labels[i].class_id)) {
      ++counts_[Index(background(), labels[i].class_id)];
    }
  }
}

std::vector<float> ConfusionMatrix::NormalizedByTruth() const {
  std::vector<float> shares(counts_.size());
  for (int truth = 0; truth < side(); ++truth) {
    double sum = 0;
    for (int predicted = 0; predicted < side(); ++predicted) sum += at(predicted, truth);
    if (sum == 0) continue;
    for (int predicted = 0; predicted < side(); ++predicted) {
      shares[Index(predicted, truth)] = static_cast<float>(at(predicted, truth) / sum);
    }
  }
  return shares;
}

MemoryNeed EstimateMemory(const ConfusionMatrixOptions& options) {
  // Counts, and the shares while they are drawn.
  return {MemoryTag::kValidation,
          Bytes::Of(CellCount(options), sizeof(std::uint32_t) + sizeof(float))};
}

}  // namespace headroom
