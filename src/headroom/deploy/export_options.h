// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_export.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

enum class ExportPrecision : std::uint8_t {
  kFloat32,
  kFloat16,  // Weights and arithmetic up to the head's maps; input and output stay fp32.
};

// What `yolo export` asks for, whatever the format.
struct ExportOptions {
  NetworkForm form;
  ExportPrecision precision = ExportPrecision::kFloat32;
  std::int64_t opset = 12;         // ONNX only.
  std::vector<std::string> names;  // By class.
  std::string description;         // "YOLO11n model trained on bccd/data.yaml"
  std::string version;             // Of this program.
};

}  // namespace headroom
