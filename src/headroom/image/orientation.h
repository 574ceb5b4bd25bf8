// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"
#include "headroom/image/image_info.h"

namespace headroom {

// Turns `image` upright, as cv::imread does. Sides that swap need a second buffer meanwhile, of the
// picture's exact size, which the image then keeps.
void TurnUpright(Orientation orientation, Image* image);

}  // namespace headroom
