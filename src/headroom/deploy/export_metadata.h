// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/deploy/export_options.h"
#include "headroom/evaluate/detector_facts.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// Keys and values of ONNX's metadata_props, in the reference's order; values as Python prints them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> MetadataProperties(
    const ExportOptions& options, const Model& model);
// The same as the JSON text of TorchScript's config.txt.
[[nodiscard]] std::string MetadataJson(const ExportOptions& options, const Model& model);

// What the reference and we write, read back; nothing is evaluated. Failure names the key.
[[nodiscard]] Result<DetectorFacts> ReadMetadata(
    const std::vector<std::pair<std::string, std::string>>& properties);
[[nodiscard]] Result<DetectorFacts> ReadMetadataJson(std::string_view json);

}  // namespace headroom
