// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/export_options.h"
#include "headroom/graph/executor.h"
#include "headroom/nn/model.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::testing {

// A model with random weights and random batch-norm statistics; scores are spread over (0, 1).
[[nodiscard]] Model RandomModel(const std::string& yaml, std::int64_t classes);
// The best.pt of a run of the reference (reference-run/<name>-bccd in the shared files).
[[nodiscard]] Model ReferenceModel(const std::string& name);
// uint8 [n, 3, h, w], channels last, and the same in [0, 1] as exported networks take it.
[[nodiscard]] at::Tensor RandomPixels(std::int64_t images, std::int64_t height, std::int64_t width);
[[nodiscard]] at::Tensor NetworkInput(const at::Tensor& pixels);
// What the model's own executor and decoder say: [N, 4 + classes, A].
[[nodiscard]] at::Tensor OwnPredictions(Model& model, const at::Tensor& pixels, bool one_to_one);
// Rows [N, count, 6] of a one-to-one head, by the program's own selection.
[[nodiscard]] at::Tensor OwnEndToEnd(Model& model, const at::Tensor& pixels, int count);
// Rows [N, count, 6] after the program's own suppression.
[[nodiscard]] at::Tensor OwnSuppressed(Model& model, const at::Tensor& pixels,
                                       const SuppressionRule& rule);

[[nodiscard]] ExportOptions OptionsFor(const Model& model, std::int64_t images, std::int64_t height,
                                       std::int64_t width);
[[nodiscard]] double MaxDifference(const at::Tensor& a, const at::Tensor& b);

// The interpreter of HEADROOM_ULTRALYTICS_PYTHON, with onnx, onnxruntime and torch; null without.
[[nodiscard]] const char* Python();
// Rows of an end-to-end network whose scores are equal to the last bit may change places.
enum class RowOrder : std::uint8_t { kSame, kAny };
// Runs check_export.py beside the sources: the file must give `expected` for `input` within the
// tolerance.
[[nodiscard]] bool CheckInPython(const std::string& file, const at::Tensor& input,
                                 const at::Tensor& expected, double tolerance,
                                 RowOrder order = RowOrder::kSame);

}  // namespace headroom::testing
