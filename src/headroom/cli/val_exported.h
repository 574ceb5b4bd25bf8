// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/cli/console.h"
#include "headroom/config/options.h"
#include "headroom/config/settings.h"
#include "headroom/data/dataset_index.h"
#include "headroom/memory/budget.h"
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/validation_table.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace headroom {

struct ExportedValidation {
  DetectionMetrics metrics;
  ValidationSpeed speed;
  std::vector<std::string> names;
};

// `yolo val` of an exported model; its files go to the folder.
[[nodiscard]] ExportedValidation ValidateExported(const Options& options, const DatasetIndex& index,
                                                  const Settings& settings,
                                                  const std::filesystem::path& folder,
                                                  Budget& budget, Console& console,
                                                  const std::function<bool()>& stop);

}  // namespace headroom
