// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/polygon.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <limits>

namespace headroom {
namespace {

double Cross(Point a, Point b, Point p) {
  return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

double SignedArea(std::span<const Point> corners) {
  double sum = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Point& a = corners[i];
    const Point& b = corners[(i + 1) % corners.size()];
    sum += a.x * b.y - a.y * b.x;
  }
  return sum / 2;
}

class BoxGrower {
 public:
  void Add(Point p) {
    left_ = std::min(left_, p.x);
    right_ = std::max(right_, p.x);
    top_ = std::min(top_, p.y);
    bottom_ = std::max(bottom_, p.y);
  }
  [[nodiscard]] std::optional<Xyxy> box() const {
    if (left_ > right_) return std::nullopt;
    return Xyxy{static_cast<float>(left_), static_cast<float>(top_), static_cast<float>(right_),
                static_cast<float>(bottom_)};
  }

 private:
  double left_ = std::numeric_limits<double>::infinity();
  double top_ = std::numeric_limits<double>::infinity();
  double right_ = -std::numeric_limits<double>::infinity();
  double bottom_ = -std::numeric_limits<double>::infinity();
};

// Whether a ray to the right of p crosses the edge.
bool RayCrosses(Point p, Point a, Point b) {
  if ((a.y > p.y) == (b.y > p.y)) return false;
  return p.x < a.x + (p.y - a.y) * (b.x - a.x) / (b.y - a.y);
}

}  // namespace

void ConvexRegion::Append(Point p) {
  HEADROOM_CHECK(count_ < kMaxCorners, "a convex region of more than 8 corners");
  corners_[static_cast<std::size_t>(count_++)] = p;
}

ConvexRegion ConvexRegion::Rectangle(double height, double width) {
  return Warped(Matrix3{}, height, width);
}

ConvexRegion ConvexRegion::Warped(const Matrix3& map, double height, double width) {
  ConvexRegion region;
  for (const Point p : {Point{0, 0}, Point{width, 0}, Point{width, height}, Point{0, height}}) {
    region.Append(map.Apply(p));
  }
  // One sense of rotation, so that "inside" is one side of every edge.
  if (SignedArea(region.corners()) < 0) {
    std::reverse(region.corners_.begin(), region.corners_.begin() + region.count_);
  }
  return region;
}

ConvexRegion ConvexRegion::CutBy(double nx, double ny, double offset) const {
  const auto distance = [=](Point p) { return nx * p.x + ny * p.y + offset; };
  ConvexRegion cut;
  for (int i = 0; i < count_; ++i) {
    const Point a = corners_[static_cast<std::size_t>(i)];
    const Point b = corners_[static_cast<std::size_t>((i + 1) % count_)];
    const double da = distance(a);
    const double db = distance(b);
    if (da >= 0) cut.Append(a);
    if ((da >= 0) == (db >= 0)) continue;
    const double t = da / (da - db);
    cut.Append({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
  }
  return cut;
}

ConvexRegion ConvexRegion::ClippedTo(double height, double width) const {
  return CutBy(1, 0, 0).CutBy(-1, 0, width).CutBy(0, 1, 0).CutBy(0, -1, height);
}

bool ConvexRegion::ClipSegment(Point* from, Point* to) const {
  double enter = 0;
  double leave = 1;
  for (int i = 0; i < count_; ++i) {
    const Point a = corners_[static_cast<std::size_t>(i)];
    const Point b = corners_[static_cast<std::size_t>((i + 1) % count_)];
    const double start = Cross(a, b, *from);
    const double end = Cross(a, b, *to);
    if (start < 0 && end < 0) return false;
    if (start < 0) enter = std::max(enter, start / (start - end));
    if (end < 0) leave = std::min(leave, start / (start - end));
  }
  if (count_ < 3 || enter > leave) return false;
  const Point origin = *from;
  const Point step{to->x - from->x, to->y - from->y};
  *from = {origin.x + enter * step.x, origin.y + enter * step.y};
  *to = {origin.x + leave * step.x, origin.y + leave * step.y};
  return true;
}

std::optional<Xyxy> BoxOfIntersection(std::span<const float> points_xy, const Matrix3& map,
                                      const ConvexRegion& region) {
  const std::size_t count = points_xy.size() / 2;
  if (count < 3 || region.corners().size() < 3) return std::nullopt;
  const auto vertex = [&](std::size_t i) {
    return map.Apply({points_xy[2 * i], points_xy[2 * i + 1]});
  };
  BoxGrower grower;
  std::array<bool, ConvexRegion::kMaxCorners> enclosed{};
  Point previous = vertex(count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Point current = vertex(i);
    for (std::size_t k = 0; k < region.corners().size(); ++k) {
      if (RayCrosses(region.corners()[k], previous, current)) enclosed[k] = !enclosed[k];
    }
    Point from = previous;
    Point to = current;
    if (region.ClipSegment(&from, &to)) {
      grower.Add(from);
      grower.Add(to);
    }
    previous = current;
  }
  for (std::size_t k = 0; k < region.corners().size(); ++k) {
    if (enclosed[k]) grower.Add(region.corners()[k]);
  }
  return grower.box();
}

}  // namespace headroom
