// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/override.h"

#include <filesystem>
#include <vector>

namespace headroom {

// What a run of this program or of the reference was asked for, as its folder tells: args.yaml,
// and headroom.yaml where there is one. Words that are no options here are left out. Throws
// ConfigError when args.yaml cannot be read.
[[nodiscard]] std::vector<Override> ReadRunArguments(const std::filesystem::path& folder);

}  // namespace headroom
