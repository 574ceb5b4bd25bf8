// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/evaluate/detector.h"
#include "headroom/graph/executor.h"
#include "headroom/memory/budget.h"
#include "headroom/train/run_setup.h"

#include <memory>
#include <string>
#include <vector>

namespace headroom {

// A detector with what it refers to; the first two are null for exported formats.
struct OpenedDetector {
  std::unique_ptr<LoadedModel> model;  // Of a .pt.
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Detector> detector;

  // Gives the memory of the last run back, as far as the format lets it.
  void Unload() {
    if (executor) executor->Unload();
  }
};

// `model=`, whatever its format: .pt, .onnx, .torchscript. `names`: of the classes, where the file
// has none. The budget must outlive the detector.
[[nodiscard]] OpenedDetector OpenDetector(const Options& options, const Settings& settings,
                                          const DetectorOptions& detector_options, Budget* budget,
                                          const std::vector<std::string>& names = {});

}  // namespace headroom
