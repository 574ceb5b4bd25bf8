// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"
#include "headroom/image/image_info.h"

namespace headroom {

// Turns `image` upright, as cv::imread does. Sides that swap need a second buffer: `scratch`, whose
// memory is exchanged with the image's.
void TurnUpright(Orientation orientation, Image* image, Image* scratch);

}  // namespace headroom
