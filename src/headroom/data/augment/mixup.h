// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/scene_objects.h"
#include "headroom/image/image.h"

namespace headroom {

// The share of the first picture, Beta(32, 32).
[[nodiscard]] float DrawMixUpRatio(Rng rng);

// image = trunc(image * ratio + partner * (1 - ratio)), views of equal size, 3 channels.
void MixUpPixels(float ratio, const ImageView& partner, const MutableImageView& image);

// Appends the partner's objects: both pictures' boxes count.
void AppendAll(const SceneObjects& partner, SceneObjects* objects);

}  // namespace headroom
