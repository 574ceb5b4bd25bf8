// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"
#include "headroom/memory/memory_need.h"

#include <filesystem>

namespace headroom {

inline constexpr std::int64_t kOldestOpset = 12;
inline constexpr std::int64_t kNewestOpset = 20;

// What ExportOnnx holds on the host: a copy of the weights in the file's precision; in fp16 also
// the fp32 copy of the convolution that is being converted.
[[nodiscard]] MemoryNeed EstimateMemory(const ExportOptions& options, const Model& model);

// Writes the model as ONNX: input `images` [N, 3, H, W] fp32 RGB in [0, 1], output `output0`
// (ExportOutput). With static shapes and opset 12 the file runs in OpenCV 4.6 too (kPredictions).
// Throws WriteError; ConfigError for an opset that is not supported and for weights that fp16
// cannot hold.
void ExportOnnx(const std::filesystem::path& path, const Model& model,
                const ExportOptions& options);

}  // namespace headroom
