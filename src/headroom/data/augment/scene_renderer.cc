// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/scene_renderer.h"

#include "headroom/data/augment/warp.h"

#include <utility>

namespace headroom {
namespace {

void RecolourRow(const ColourPlan& colours, std::uint8_t* row, int pixels) {
  JitterHsv(colours.hsv, row, pixels);
  if (!colours.to_bgr) return;
  for (std::uint8_t* p = row; p != row + std::ptrdiff_t{3} * pixels; p += 3) std::swap(p[0], p[2]);
}

class FusedRenderer : public SceneRenderer {
 public:
  void Render(const MosaicCanvas& canvas, const Matrix3& output_from_canvas, Flip flip,
              const ColourPlan& colours, const MutableImageView& out) override {
    warp_.Prepare(canvas, output_from_canvas, out.size(), flip);
    for (int y = 0; y < out.height; ++y) {
      warp_.Row(y, out.Row(y));
      RecolourRow(colours, out.Row(y), out.width);
    }
  }
  void Recolour(const ColourPlan& colours, const MutableImageView& image) override {
    for (int y = 0; y < image.height; ++y) RecolourRow(colours, image.Row(y), image.width);
  }

 private:
  CanvasWarp warp_;
};

}  // namespace

std::unique_ptr<SceneRenderer> MakeFusedRenderer() { return std::make_unique<FusedRenderer>(); }

}  // namespace headroom
