// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_runner.h"
#include "headroom/memory/budget.h"

#include <filesystem>
#include <optional>
#include <string>

namespace headroom {

// An ONNX file in OpenCV's DNN module: our own static exports, and others where OpenCV knows their
// operators. Throws DataError that names the operator that is in the way, and the command that
// makes a file that works. OpenCV allocates for itself: what it is known to take is reserved in the
// budget (may be null, must outlive the network); BudgetError when that does not fit.
[[nodiscard]] OpenedNetwork OpenOnnx(const std::filesystem::path& path, int threads,
                                     Budget* budget);

// Why OpenOnnx refuses a file of `yolo export`, said of OpenCV ("it has no operator TopK"); nothing
// where it opens it. Reads the file but not its weights. Throws DataError for what is no such file.
[[nodiscard]] std::optional<std::string> WhyOpenCvCannotRun(const std::filesystem::path& path);

}  // namespace headroom
