// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/end_to_end_loss.h"

#include <algorithm>

namespace headroom {

EndToEndSums& EndToEndSums::operator+=(const EndToEndSums& other) {
  one_to_many += other.one_to_many;
  one_to_one += other.one_to_one;
  return *this;
}

double EndToEndSums::Value(double one_to_many_weight, std::int64_t images) const {
  return static_cast<double>(images) *
         (one_to_many_weight * one_to_many.sum() / one_to_many.normaliser() +
          (1 - one_to_many_weight) * one_to_one.sum() / one_to_one.normaliser());
}

double OneToManyWeight(int epoch, int epochs) {
  constexpr double kFirst = 0.8, kLast = 0.1;
  if (epoch <= 0) return kFirst;
  const double left = 1 - static_cast<double>(epoch) / std::max(epochs - 1, 1);
  return (kFirst - kLast) * std::max(left, 0.) + kLast;
}

DetectionLossOptions OneToManyOptions(DetectionLossOptions options) {
  options.topk = 10;
  options.topk2 = 10;
  return options;
}

DetectionLossOptions OneToOneOptions(DetectionLossOptions options) {
  options.topk = 7;
  options.topk2 = 1;
  return options;
}

EndToEndLoss::EndToEndLoss(const DetectionLossOptions& options, Factory factory)
    : one_to_many_(factory(OneToManyOptions(options))),
      one_to_one_(factory(OneToOneOptions(options))) {}

EndToEndSums EndToEndLoss::ForwardBackward(const HeadMaps& one_to_many, const HeadMaps& one_to_one,
                                           const BatchTargets& targets, double one_to_many_weight,
                                           double scale_many, double scale_one,
                                           HeadMaps& one_to_many_gradients,
                                           HeadMaps& one_to_one_gradients) {
  EndToEndSums sums;
  sums.one_to_many = one_to_many_->ForwardBackward(
      one_to_many, targets, one_to_many_weight * scale_many, one_to_many_gradients);
  sums.one_to_one = one_to_one_->ForwardBackward(
      one_to_one, targets, (1 - one_to_many_weight) * scale_one, one_to_one_gradients);
  return sums;
}

EndToEndSums EndToEndLoss::Forward(const HeadMaps& one_to_many, const HeadMaps& one_to_one,
                                   const BatchTargets& targets) {
  EndToEndSums sums;
  sums.one_to_many = one_to_many_->Forward(one_to_many, targets);
  sums.one_to_one = one_to_one_->Forward(one_to_one, targets);
  return sums;
}

}  // namespace headroom
