// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/cli/console.h"
#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/data/dataset_index.h"
#include "headroom/memory/budget.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/validation_table.h"

#include <functional>
#include <string>
#include <vector>

namespace headroom {

struct ExportedValidation {
  DetectionMetrics metrics;
  ValidationSpeed speed;
  std::vector<std::string> names;
  std::vector<std::string> saved;  // ValidationOutputs::Summary.
};

// `yolo val` of an exported model, with its files.
[[nodiscard]] ExportedValidation ValidateExported(const Options& options, const DatasetIndex& index,
                                                  const Settings& settings, Budget& budget,
                                                  Console& console,
                                                  const std::function<bool()>& stop);

}  // namespace headroom
