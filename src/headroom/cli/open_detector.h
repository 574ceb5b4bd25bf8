// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/deploy/network_runner.h"
#include "headroom/evaluate/detector.h"
#include "headroom/graph/executor.h"
#include "headroom/memory/budget.h"
#include "headroom/train/run_setup.h"

#include <memory>
#include <string>
#include <vector>

namespace headroom {

// `model=`, whatever its format: .pt, .onnx, .torchscript. Opened first, since a file that cannot
// be used is to be known before data are read; a detector when it is known what counts as a
// detection.
class OpenedModel {
 public:
  // `names`: of the classes, where the file has none. The budget (may be null) must outlive it.
  // Throws ConfigError, DataError, BudgetError.
  OpenedModel(const Options& options, const Settings& settings, Budget* budget,
              const std::vector<std::string>& names = {});

  // Called once. The detector refers to this. Throws BudgetError.
  Detector& MakeDetector(const DetectorOptions& options);
  [[nodiscard]] Detector& detector() { return *detector_; }
  // Of a .pt; null for exported formats.
  [[nodiscard]] const Model* model() const { return loaded_ ? &loaded_->model : nullptr; }
  // Gives the memory of the last run back, as far as the format lets it.
  void Unload() {
    if (executor_) executor_->Unload();
  }

 private:
  std::string file_;
  bool one_to_one_;
  Budget* budget_;
  std::unique_ptr<LoadedModel> loaded_;
  std::unique_ptr<Executor> executor_;
  OpenedNetwork network_;  // Of exported formats, until the detector has it.
  std::unique_ptr<Detector> detector_;
};

}  // namespace headroom
