// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/deploy/export_options.h"
#include "headroom/image/image.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom {

// What an exported model says of itself, beside its network.
struct DetectorFacts {
  int stride = 32;
  int batch = 1;
  ImageSize image_size{640, 640};
  bool fixed_size = true;          // Batch and image size are those above and no others.
  std::vector<std::string> names;  // By class.
  bool end_to_end = false;         // Rows that need no suppression.
};

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
