// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace headroom {

// Appends the end marker to a JPEG that lacks it, which changes no pixel; other files are left
// alone. True when it did. For copies only: user files are never modified. Throws WriteError.
bool AppendMissingJpegEnd(const std::filesystem::path& path);

}  // namespace headroom
