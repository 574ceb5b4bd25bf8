// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_index.h"
#include "headroom/data/sample.h"
#include "headroom/geometry/detection.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace headroom {

// Told of every image of a validation; detections in network pixels.
using ReceiveDetections =
    std::function<void(std::uint32_t image, std::span<const Detection>, const Sample&)>;

// Runs a validation and writes what it finds to predictions.json at `path`, complete or not at all;
// an empty path: runs it only, with an empty receiver. Throws WriteError.
void WritePredictionsJson(const std::filesystem::path& path, const DatasetIndex& index,
                          const std::function<void(const ReceiveDetections&)>& validate);

}  // namespace headroom
