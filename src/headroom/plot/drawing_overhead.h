// SPDX-License-Identifier: Apache-2.0
// Private to plot/.
#pragma once

#include "headroom/core/bytes.h"

namespace headroom {

// What drawing takes beside a canvas' pixels: fonts, Cairo's paths and glyph cache, zlib's window,
// rows of the PNG writer.
inline constexpr Bytes kDrawingOverhead = Bytes::MiB(4);

}  // namespace headroom
