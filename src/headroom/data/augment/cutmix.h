// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"
#include "headroom/data/augment/flip.h"
#include "headroom/data/augment/scene_objects.h"
#include "headroom/image/image.h"

#include <optional>

namespace headroom {

// Pixels [x1, x2) x [y1, y2).
struct CutArea {
  int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  [[nodiscard]] bool empty() const { return x1 >= x2 || y1 >= y2; }
};

// CutMix as 8.4.190 has it: of three random areas (a share 1 - lambda of the picture, lambda ~
// Beta(1, 1)) one that touches no box of ours, or nothing.
[[nodiscard]] std::optional<CutArea> DrawCutArea(Rng rng, ImageSize size,
                                                 const SceneObjects& objects);

// Adds the partner's objects that have at least 10 % (1 % with polygons) of their box in the area,
// cut to it. False, and nothing changed, when there is none: the picture then stays as it is.
bool AddObjectsInArea(const CutArea& area, const SceneObjects& partner, SceneObjects* objects);

// Copies the area, given in unflipped pixels, from the partner; both pictures are flipped already.
void CopyArea(const CutArea& area, Flip flip, const ImageView& partner,
              const MutableImageView& image);

}  // namespace headroom
