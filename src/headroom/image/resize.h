// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

namespace headroom {

// cv::resize with INTER_LINEAR, pixel for pixel, on the calling thread only. Views of equal channel
// count that do not overlap; an equal size copies. Works in place of nothing: `to` is the caller's.
void ResizeBilinear(const ImageView& from, const MutableImageView& to);

// The size at which an image enters the pipeline: long side s, the other rounded up;
// small images are enlarged. Computed from the source's size, whatever scale it was decoded at.
[[nodiscard]] ImageSize LoadedSize(ImageSize source, int long_side);

}  // namespace headroom
