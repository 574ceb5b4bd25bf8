// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// One object while its picture is made: first in canvas pixels, after the warp in output pixels.
struct SceneObject {
  std::int32_t class_id = 0;
  Xyxy box;
  std::uint32_t first_value = 0;  // Of its polygon in SceneObjects::points.
  std::uint32_t value_count = 0;  // Floats (x, y pairs); 0: a box only.
};

// The objects of one picture. One a worker: cleared and refilled, so that its memory stays.
struct SceneObjects {
  std::vector<SceneObject> objects;
  std::vector<float> points;

  void Clear() {
    objects.clear();
    points.clear();
  }
  [[nodiscard]] std::span<const float> PolygonOf(const SceneObject& object) const {
    return std::span(points).subspan(object.first_value, object.value_count);
  }
  [[nodiscard]] std::span<float> PolygonOf(const SceneObject& object) {
    return std::span(points).subspan(object.first_value, object.value_count);
  }
  [[nodiscard]] bool has_polygons() const { return !points.empty(); }
};

}  // namespace headroom
