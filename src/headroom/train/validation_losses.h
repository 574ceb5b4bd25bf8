// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/evaluate/loss_meter.h"
#include "headroom/graph/executor.h"
#include "headroom/train/head_loss.h"

namespace headroom {

// The losses of a validation in training: of the maps that the executor's last forward left.
class ValidationLosses : public LossMeter {
 public:
  ValidationLosses(HeadLoss& loss, const Executor& executor) : loss_(loss), executor_(executor) {}

  void Measure(const BatchTargets& targets) override {
    piece_ = loss_.Forward(executor_.outputs(), targets);
  }
  void Commit() override { batch_ += piece_; }
  void EndBatch() override {
    items_ += loss_.Items(batch_);
    batch_ = {};
    ++batches_;
  }
  // Over the nominal batches so far.
  [[nodiscard]] LossItems Mean() const {
    LossItems mean = items_;
    return mean /= batches_;
  }

 private:
  HeadLoss& loss_;
  const Executor& executor_;
  HeadSums piece_;
  HeadSums batch_;
  LossItems items_;
  double batches_ = 0;
};

}  // namespace headroom
