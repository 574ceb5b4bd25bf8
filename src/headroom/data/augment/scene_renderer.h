// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/canvas.h"
#include "headroom/data/augment/flip.h"
#include "headroom/data/augment/hsv.h"
#include "headroom/geometry/affine.h"

#include <cstdint>
#include <memory>

namespace headroom {

// What happens to the colours of a finished row.
struct ColourPlan {
  HsvJitter hsv;
  bool to_bgr = false;
};

// Turns a canvas into an output picture. Keeps its buffers; one a worker.
class SceneRenderer {
 public:
  virtual ~SceneRenderer() = default;
  // Warp, flip, then colours. `out` is packed, 3 channels.
  virtual void Render(const MosaicCanvas& canvas, const Matrix3& output_from_canvas, Flip flip,
                      const ColourPlan& colours, const MutableImageView& out) = 0;
  // Colours alone, in place.
  virtual void Recolour(const ColourPlan& colours, const MutableImageView& image) = 0;
};

// One pass over the output: each row is sampled from the tiles, jittered while it is in the cache,
// and stored.
[[nodiscard]] std::unique_ptr<SceneRenderer> MakeFusedRenderer();
// The obvious twin: draws the canvas, warps it pixel by pixel, flips the result, then changes its
// colours through tables. The same bytes.
[[nodiscard]] std::unique_ptr<SceneRenderer> MakeReferenceRenderer();

}  // namespace headroom
