// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/loader.h"
#include "headroom/graph/shape.h"
#include "headroom/loss/batch_targets.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace headroom {

// Writes images [first, first + count) of the loader into `input` (uint8 [count, 3, H, W], channels
// last) and their boxes, in pixels of `input`, into the targets. Pictures of another size are
// resized bilinearly (multi_scale). The loader keeps the images until they are acknowledged.
void FillBatch(Loader& loader, std::int64_t first, std::int64_t count, at::Tensor& input,
               BatchTargets* targets);

}  // namespace headroom
