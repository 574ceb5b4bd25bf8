// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/loss/detection_loss.h"

#include <memory>

namespace headroom {

// The loss of a model with two heads (YOLO26): weight * one-to-many + (1 - weight) * one-to-one,
// each the full detection loss with an assignment and a normaliser of its own. A parameter gets its
// gradient from exactly one of them (the one-to-one head sees detached features), so micro-batches
// stay exact.
struct EndToEndSums {
  LossSums one_to_many;
  LossSums one_to_one;  // Its terms are what is reported.

  EndToEndSums& operator+=(const EndToEndSums& other);
  // images * (weight * sum / normaliser of the first + (1 - weight) * the same of the second).
  [[nodiscard]] double Value(double one_to_many_weight, std::int64_t images) const;
};

// Weight of the one-to-many head in an epoch (from 0): 0.8 falling linearly to 0.1 in the last.
[[nodiscard]] double OneToManyWeight(int epoch, int epochs);

// Of the options only topk and topk2 differ between the heads: 10, 10 and 7, 1.
[[nodiscard]] DetectionLossOptions OneToManyOptions(DetectionLossOptions options);
[[nodiscard]] DetectionLossOptions OneToOneOptions(DetectionLossOptions options);

class EndToEndLoss {
 public:
  using Factory = std::unique_ptr<DetectionLoss> (*)(DetectionLossOptions);
  // factory: MakeCpuDetectionLoss or MakeReferenceDetectionLoss.
  EndToEndLoss(const DetectionLossOptions& options, Factory factory);

  // Gradients of weight * sum * scale_many and (1 - weight) * sum * scale_one by the heads' maps.
  EndToEndSums ForwardBackward(const HeadMaps& one_to_many, const HeadMaps& one_to_one,
                               const BatchTargets& targets, double one_to_many_weight,
                               double scale_many, double scale_one, HeadMaps& one_to_many_gradients,
                               HeadMaps& one_to_one_gradients);
  EndToEndSums Forward(const HeadMaps& one_to_many, const HeadMaps& one_to_one,
                       const BatchTargets& targets);

  [[nodiscard]] DetectionLoss& one_to_many() { return *one_to_many_; }
  [[nodiscard]] DetectionLoss& one_to_one() { return *one_to_one_; }

 private:
  std::unique_ptr<DetectionLoss> one_to_many_;
  std::unique_ptr<DetectionLoss> one_to_one_;
};

}  // namespace headroom
