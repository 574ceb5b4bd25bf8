// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/augment_options.h"
#include "headroom/data/augment/scene_objects.h"
#include "headroom/geometry/affine.h"
#include "headroom/image/image.h"

#include <cstdint>

namespace headroom {

// Order of the draws: perspective x, y, angle, zoom, shear x, y, centre x, y (the reference's).
[[nodiscard]] AffineParameters DrawAffine(Rng rng, const AugmentOptions& options);

// Moves objects from canvas to output pixels, cuts them at the output and drops what BoxFilter
// drops, in place. The box of an object with a polygon becomes the box around what is
// left of the polygon on the canvas and in the output. Polygons are moved too, uncut, and those of
// dropped objects stay as unused points.
void WarpObjects(const Matrix3& output_from_canvas, double zoom, ImageSize canvas, ImageSize output,
                 SceneObjects* objects);

}  // namespace headroom
