// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"
#include "headroom/image/jpeg_decoder.h"
#include "headroom/memory/memory_need.h"
#include "headroom/plot/drawn_box.h"

#include <span>

namespace headroom {

// Draws the boxes into a picture of 3 channels in place, strip by strip: what it holds beside the
// picture grows with its width only. line_width: pixels; 0 fits the picture.
void DrawBoxes(const MutableImageView& picture, ColorOrder order, std::span<const DrawnBox> boxes,
               int line_width = 0);
[[nodiscard]] MemoryNeed EstimateDrawBoxesMemory(ImageSize picture);

}  // namespace headroom
