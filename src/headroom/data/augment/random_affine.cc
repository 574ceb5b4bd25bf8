// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/random_affine.h"

#include "headroom/geometry/box_filter.h"
#include "headroom/geometry/polygon.h"

#include <optional>
#include <utility>

namespace headroom {

AffineParameters DrawAffine(Rng rng, const AugmentOptions& options) {
  const auto around_zero = [&](double range) { return rng.Uniform(-range, range); };
  AffineParameters p;
  p.perspective_x = around_zero(options.perspective);
  p.perspective_y = around_zero(options.perspective);
  p.rotation_degrees = around_zero(options.degrees);
  p.zoom = rng.Uniform(options.zoom_low, options.zoom_high);
  p.shear_x_degrees = around_zero(options.shear);
  p.shear_y_degrees = around_zero(options.shear);
  p.centre_x = 0.5 + around_zero(options.translate);
  p.centre_y = 0.5 + around_zero(options.translate);
  return p;
}

void WarpObjects(const Matrix3& output_from_canvas, double zoom, ImageSize canvas, ImageSize output,
                 SceneObjects* objects) {
  const BoxFilter filter{.min_area_share = objects->has_polygons() ? 0.01F : 0.1F};
  const ConvexRegion visible = ConvexRegion::Warped(output_from_canvas, canvas.height, canvas.width)
                                   .ClippedTo(output.height, output.width);
  const auto warped = [&](const SceneObject& object) -> std::optional<Xyxy> {
    if (object.value_count == 0) return WarpBox(output_from_canvas, object.box);
    return BoxOfIntersection(std::as_const(*objects).PolygonOf(object), output_from_canvas,
                             visible);
  };
  std::size_t kept = 0;
  for (const SceneObject& object : objects->objects) {
    const std::optional<Xyxy> box = warped(object);
    if (!box) continue;
    SceneObject moved = object;
    moved.box = ClipBox(*box, static_cast<float>(output.height), static_cast<float>(output.width));
    if (!filter.Keeps(object.box, static_cast<float>(zoom), moved.box)) continue;
    objects->objects[kept++] = moved;
  }
  objects->objects.resize(kept);
  for (std::size_t i = 0; i + 1 < objects->points.size(); i += 2) {
    const Point p = output_from_canvas.Apply({objects->points[i], objects->points[i + 1]});
    objects->points[i] = static_cast<float>(p.x);
    objects->points[i + 1] = static_cast<float>(p.y);
  }
}

}  // namespace headroom
