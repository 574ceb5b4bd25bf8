// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_runner.h"

#include <filesystem>

namespace headroom {

// A TorchScript file in LibTorch. A TorchScript file is a program: it is run, so it must come from
// someone who is trusted. Throws DataError for a file that cannot be loaded or has no metadata.
[[nodiscard]] OpenedNetwork OpenTorchScript(const std::filesystem::path& path);

}  // namespace headroom
