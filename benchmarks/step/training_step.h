// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/loader.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"
#include "headroom/optim/ema.h"
#include "headroom/optim/optimizer.h"
#include "headroom/train/batch_step.h"
#include "headroom/train/head_loss.h"

#include <cstdint>
#include <memory>
#include <string>

namespace headroom {

// What is timed: a network, a batch and how it is computed.
struct StepVariant {
  std::string model = "yolo11n.yaml";
  std::int64_t classes = 1;
  std::int64_t image_size = 640;
  std::int64_t batch = 8;
  OpsChoice ops = OpsChoice::kFused;
  Element element = Element::kFloat32;
  Recompute recompute = Recompute::kActivations;
  bool own_allocator = true;
  bool validation = false;  // Forward in eval mode instead of a training step.
};

// The whole step as the trainer runs it, on a batch that is always the same: images into the
// input, forward, loss, backward, clipping, SGD with Nesterov's momentum, EMA.
class TrainingStep {
 public:
  explicit TrainingStep(const StepVariant& variant);
  // Returns the loss (validation: 0).
  double Run();
  [[nodiscard]] Executor& executor() { return *executor_; }
  [[nodiscard]] const Model& model() const { return model_; }

  // Seconds in each part, summed over Run calls.
  struct Parts {
    double network_and_loss = 0;
    double optimizer = 0;
  };
  [[nodiscard]] const Parts& parts() const { return parts_; }

 private:
  void Update();

  StepVariant variant_;
  Model model_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<HeadLoss> loss_;
  std::unique_ptr<BatchStep> step_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Ema> ema_;
  Parts parts_;
};

}  // namespace headroom
