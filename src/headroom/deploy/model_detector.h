// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/detection_selector.h"
#include "headroom/deploy/detector.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"

#include <ATen/core/Tensor.h>

#include <string>

namespace headroom {

// A model of our own: the executor and the raw maps of one head.
class ModelDetector : public Detector {
 public:
  // one_to_one: the head without suppression, where the model has it. The model and the budget
  // (may be null; tensors are charged by their allocator) must outlive it.
  ModelDetector(Model& model, std::vector<std::string> names, at::Device device, bool one_to_one,
                const DetectorOptions& options, Budget* budget = nullptr);

  [[nodiscard]] const DetectorFacts& facts() const override { return facts_; }
  std::span<std::uint8_t> Prepare(int images, ImageSize size) override;
  void Run() override;
  std::span<const Detection> Detections(int image) override;

 private:
  [[nodiscard]] const HeadOutputs& head() const;

  Model& model_;
  DetectorFacts facts_;
  Executor executor_;
  DetectionSelector selector_;
  at::Tensor staging_;  // The pictures, where the executor's input is not on the host.
  std::vector<at::Tensor> outputs_;
};

}  // namespace headroom
