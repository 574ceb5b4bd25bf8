// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/deploy/detector.h"
#include "headroom/memory/budget.h"
#include "headroom/train/run_setup.h"

#include <memory>

namespace headroom {

// A detector with what it refers to.
struct OpenedDetector {
  std::unique_ptr<LoadedModel> model;  // Of a .pt; null for exported formats.
  std::unique_ptr<Detector> detector;
};

// `model=`, whatever its format: .pt, .onnx, .torchscript. The budget must outlive the detector.
[[nodiscard]] OpenedDetector OpenDetector(const Options& options, const Settings& settings,
                                          const DetectorOptions& detector_options, Budget* budget);

}  // namespace headroom
