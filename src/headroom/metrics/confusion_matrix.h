// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"
#include "headroom/memory/memory_need.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

struct ConfusionMatrixOptions {
  int class_count = 0;
  // Only detections above it count. Ultralytics 8.4.190 uses validation's 0.001, which fills the
  // matrix with background; we keep 0.25 unless the user gave conf=.
  float confidence = 0.25F;
  float iou = 0.45F;  // A pair must overlap by more.
};

// Which class was taken for which: (class_count + 1)^2 counts, rows predicted, columns true, the
// last of each is the background. Not thread-safe.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(const ConfusionMatrixOptions& options);

  // One image. Detections in confidence order; each takes the free label that it overlaps most,
  // whatever the classes. Labels of classes that the model does not have are left out.
  void AddImage(std::span<const Detection> detections, std::span<const TrueBox> labels);

  [[nodiscard]] int class_count() const { return options_.class_count; }
  [[nodiscard]] int background() const { return options_.class_count; }
  [[nodiscard]] int side() const { return options_.class_count + 1; }
  [[nodiscard]] std::uint32_t at(int predicted, int truth) const {
    return counts_[Index(predicted, truth)];
  }
  // side() x side(), row-major; every column divided by its sum (0 where the sum is 0).
  [[nodiscard]] std::vector<float> NormalizedByTruth() const;

 private:
  [[nodiscard]] std::size_t Index(int predicted, int truth) const {
    return static_cast<std::size_t>(predicted) * static_cast<std::size_t>(side()) +
           static_cast<std::size_t>(truth);
  }

  ConfusionMatrixOptions options_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::uint8_t> taken_;  // Of the labels of the image at hand.
};

[[nodiscard]] MemoryNeed EstimateMemory(const ConfusionMatrixOptions& options);

}  // namespace headroom
