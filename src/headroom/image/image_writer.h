// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <filesystem>

namespace headroom {

// Writes BGR pixels as a JPEG of this quality (0 to 100), atomically. Throws WriteError.
void WriteJpeg(const std::filesystem::path& path, const ImageView& bgr, int quality = 95);

}  // namespace headroom
