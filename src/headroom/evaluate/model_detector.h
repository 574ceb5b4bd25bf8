// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/evaluate/detection_selector.h"
#include "headroom/evaluate/detector.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace headroom {

struct ModelDetectorOptions {
  bool one_to_one = false;  // The head without suppression, where the model has it.
  bool all_heads = false;   // Every head is run, for a loss that reads their maps.
  Element activation = Element::kFloat32;
};

// A model of our own: an executor and the raw maps of one head.
class ModelDetector : public Detector {
 public:
  // `names`: one a class. The model, its executor and the budget (may be null; tensors are charged
  // by their allocator) must outlive it. Throws BudgetError.
  ModelDetector(Model& model, Executor& executor, std::vector<std::string> names,
                const ModelDetectorOptions& options, const DetectorOptions& detector_options,
                Budget* budget = nullptr);

  [[nodiscard]] const DetectorFacts& facts() const override { return facts_; }
  std::span<std::uint8_t> Prepare(int images, ImageSize size) override;
  void Run() override;
  std::span<const Detection> Detections(int image) override;

 private:
  [[nodiscard]] const HeadOutputs& head() const;
  [[nodiscard]] ProgramOptions ProgramFor(int images, ImageSize size) const;

  Model& model_;
  Executor& executor_;
  ModelDetectorOptions options_;
  DetectorFacts facts_;
  DetectionSelector selector_;
  at::Tensor staging_;  // The pictures, where the executor's input is not on the host.
  std::vector<at::Tensor> outputs_;
};

}  // namespace headroom
