// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_runner.h"

#include <filesystem>

namespace headroom {

// An ONNX file in OpenCV's DNN module: our own static exports, and others where OpenCV knows their
// operators. Throws DataError that names the operator that is in the way, and the command that
// makes a file that works.
[[nodiscard]] OpenedNetwork OpenOnnx(const std::filesystem::path& path, int threads);

}  // namespace headroom
