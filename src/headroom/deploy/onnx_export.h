// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"

#include <filesystem>

namespace headroom {

inline constexpr std::int64_t kOldestOpset = 12;
inline constexpr std::int64_t kNewestOpset = 20;

// Writes the model as ONNX: input `images` [N, 3, H, W] fp32 RGB in [0, 1], output `output0`
// (ExportOutput). With static shapes and opset 12 the file runs in OpenCV 4.6 too (kPredictions).
// Holds a copy of the weights meanwhile. Throws WriteError; ConfigError for an opset that is not
// supported and for weights that fp16 cannot hold.
void ExportOnnx(const std::filesystem::path& path, const Model& model,
                const ExportOptions& options);

}  // namespace headroom
