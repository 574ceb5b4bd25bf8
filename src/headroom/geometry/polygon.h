// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/affine.h"

#include <array>
#include <optional>
#include <span>

namespace headroom {

// A small convex polygon, held by value: what two rectangles share after a warp has at most 8
// corners.
class ConvexRegion {
 public:
  static constexpr int kMaxCorners = 8;

  // The rectangle [0, width] x [0, height].
  static ConvexRegion Rectangle(double height, double width);
  // Corners of the rectangle [0, width] x [0, height] under the map.
  static ConvexRegion Warped(const Matrix3& map, double height, double width);
  // Cuts off what lies outside of [0, width] x [0, height].
  [[nodiscard]] ConvexRegion ClippedTo(double height, double width) const;

  [[nodiscard]] std::span<const Point> corners() const {
    return {corners_.data(), static_cast<std::size_t>(count_)};
  }
  // The part of the segment that lies inside, in place; false when none does.
  [[nodiscard]] bool ClipSegment(Point* from, Point* to) const;

 private:
  void Append(Point p);
  // Keeps the side of the line through a and b (in the region's own sense of rotation).
  [[nodiscard]] ConvexRegion CutBy(double nx, double ny, double offset) const;

  std::array<Point, kMaxCorners> corners_{};
  int count_ = 0;
};

// The upright box around polygon AND region; nothing when they do not meet. The polygon is any
// closed one (even-odd rule), read through `map`, which takes it into the region's frame. The
// points of the box are the polygon's edges inside the region and the region's corners inside the
// polygon, so a polygon that leaves and comes back is not cut at its vertices.
//   points: x, y pairs, at least 3. O(points * corners), no allocation.
[[nodiscard]] std::optional<Xyxy> BoxOfIntersection(std::span<const float> points_xy,
                                                    const Matrix3& map, const ConvexRegion& region);

}  // namespace headroom
