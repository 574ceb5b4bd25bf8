// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/mosaic.h"

#include "headroom/geometry/box_filter.h"

namespace headroom {

std::array<int, 2> MosaicLayout::CornerXy(int k, ImageSize tile) const {
  return {k % 2 == 0 ? centre_x - tile.width : centre_x, k < 2 ? centre_y - tile.height : centre_y};
}

MosaicLayout DrawMosaicLayout(Rng rng, int size) {
  MosaicLayout layout{.size = size};
  layout.centre_y = static_cast<int>(rng.Uniform(size / 2.0, 1.5 * size));
  layout.centre_x = static_cast<int>(rng.Uniform(size / 2.0, 1.5 * size));
  return layout;
}

void AppendObjects(const LabelView& labels, std::size_t image, ImageSize loaded,
                   std::array<int, 2> corner_xy, ImageSize canvas, ClipToCanvas clip,
                   SceneObjects* out) {
  const auto width = static_cast<float>(loaded.width);
  const auto height = static_cast<float>(loaded.height);
  const auto dx = static_cast<float>(corner_xy[0]);
  const auto dy = static_cast<float>(corner_xy[1]);
  labels.ForEach(image, [&](std::int32_t class_id, const Xywh& label, LabelTable::Polygon polygon) {
    const Xyxy share = ToXyxy(label);
    Xyxy box{share.x1 * width + dx, share.y1 * height + dy, share.x2 * width + dx,
             share.y2 * height + dy};
    if (clip == ClipToCanvas::kYes) {
      box = ClipBox(box, static_cast<float>(canvas.height), static_cast<float>(canvas.width));
      if (box.area() <= 0) return;
    }
    SceneObject object{.class_id = class_id, .box = box};
    object.first_value = static_cast<std::uint32_t>(out->points.size());
    object.value_count = static_cast<std::uint32_t>(polygon.size());
    for (std::size_t i = 0; i + 1 < polygon.size(); i += 2) {
      out->points.push_back(polygon[i] * width + dx);
      out->points.push_back(polygon[i + 1] * height + dy);
    }
    out->objects.push_back(object);
  });
}

}  // namespace headroom
