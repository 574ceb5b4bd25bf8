// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace headroom {

// Complete IoU (Zheng et al. 2020, arXiv:1911.08287, eq. 9-11) with the reference's epsilons:
// every height, the union, the squared diagonal and the aspect term's denominator get 1e-7.
// T is float or double; corners are x1, y1, x2, y2 in any one unit. Sides may be negative.
template <typename T>
using Corners = std::array<T, 4>;

template <typename T>
inline constexpr T kCiouEpsilon = T(1e-7);

// atan(width / height) of a box; taken apart since a box meets many others.
template <typename T>
[[nodiscard]] inline T AspectAngle(const Corners<T>& b) {
  return std::atan((b[2] - b[0]) / (b[3] - b[1] + kCiouEpsilon<T>));
}

// The quantities that value and gradient share.
template <typename T>
struct CiouParts {
  T overlap_w, overlap_h, intersection, union_area, iou;
  T hull_w, hull_h, diagonal2, dx, dy, distance2;  // dx, dy: twice the offset of the centres.
  T angle_difference, aspect, aspect_weight, value;
};

template <typename T>
[[nodiscard]] inline CiouParts<T> ComputeCiou(const Corners<T>& a, T angle_a, const Corners<T>& b,
                                              T angle_b) {
  constexpr T kEps = kCiouEpsilon<T>;
  CiouParts<T> p;
  p.overlap_w = std::max(std::min(a[2], b[2]) - std::max(a[0], b[0]), T(0));
  p.overlap_h = std::max(std::min(a[3], b[3]) - std::max(a[1], b[1]), T(0));
  p.intersection = p.overlap_w * p.overlap_h;
  p.union_area = (a[2] - a[0]) * (a[3] - a[1] + kEps) + (b[2] - b[0]) * (b[3] - b[1] + kEps) -
                 p.intersection + kEps;
  p.iou = p.intersection / p.union_area;
  p.hull_w = std::max(a[2], b[2]) - std::min(a[0], b[0]);
  p.hull_h = std::max(a[3], b[3]) - std::min(a[1], b[1]);
  p.diagonal2 = p.hull_w * p.hull_w + p.hull_h * p.hull_h + kEps;
  p.dx = b[0] + b[2] - a[0] - a[2];
  p.dy = b[1] + b[3] - a[1] - a[3];
  p.distance2 = (p.dx * p.dx + p.dy * p.dy) / T(4);
  p.angle_difference = angle_b - angle_a;
  p.aspect = T(4) / (std::numbers::pi_v<T> * std::numbers::pi_v<T>)*p.angle_difference *
             p.angle_difference;
  p.aspect_weight = p.aspect / (p.aspect - p.iou + (T(1) + kEps));
  p.value = p.iou - (p.distance2 / p.diagonal2 + p.aspect * p.aspect_weight);
  return p;
}

template <typename T>
[[nodiscard]] inline T Ciou(const Corners<T>& a, const Corners<T>& b) {
  return ComputeCiou(a, AspectAngle(a), b, AspectAngle(b)).value;
}

template <typename T>
struct CiouAndGradient {
  T value;
  Corners<T> gradient;  // By the corners of the first box.
};

// Gradient by `a`; the weight of the aspect term is a constant (as in the paper and the reference).
// Where a minimum or maximum is not unique each side gets half, as LibTorch does it.
template <typename T>
[[nodiscard]] CiouAndGradient<T> CiouWithGradient(const Corners<T>& a, const Corners<T>& b) {
  constexpr T kEps = kCiouEpsilon<T>;
  const CiouParts<T> p = ComputeCiou(a, AspectAngle(a), b, AspectAngle(b));
  const auto smaller = [](T mine, T other) {
    return mine < other ? T(1) : mine == other ? T(0.5) : T(0);
  };

  // Overlap's sides, then its area; a side clamped at zero passes nothing on.
  const T d_intersection = T(1) / p.union_area + p.intersection / (p.union_area * p.union_area);
  const T d_area = -p.intersection / (p.union_area * p.union_area);
  const bool has_w = std::min(a[2], b[2]) - std::max(a[0], b[0]) >= T(0);
  const bool has_h = std::min(a[3], b[3]) - std::max(a[1], b[1]) >= T(0);
  const T d_overlap_w = has_w ? d_intersection * p.overlap_h : T(0);
  const T d_overlap_h = has_h ? d_intersection * p.overlap_w : T(0);
  const T w = a[2] - a[0], h = a[3] - a[1] + kEps;

  // Aspect: v = 4/pi^2 (angle_b - atan(w / h))^2.
  const T d_angle =
      p.aspect_weight * T(8) / (std::numbers::pi_v<T> * std::numbers::pi_v<T>)*p.angle_difference;
  const T square = w * w + h * h;
  const T d_w = d_area * h + d_angle * h / square;
  const T d_h = d_area * w - d_angle * w / square;

  // Distance: rho^2 / c^2.
  const T d_centre = T(1) / (T(2) * p.diagonal2);
  const T d_diagonal2 = p.distance2 / (p.diagonal2 * p.diagonal2);
  const T d_hull_w = T(2) * p.hull_w * d_diagonal2;
  const T d_hull_h = T(2) * p.hull_h * d_diagonal2;

  Corners<T> g;
  g[0] =
      -d_w + p.dx * d_centre - d_hull_w * smaller(a[0], b[0]) - d_overlap_w * smaller(b[0], a[0]);
  g[1] =
      -d_h + p.dy * d_centre - d_hull_h * smaller(a[1], b[1]) - d_overlap_h * smaller(b[1], a[1]);
  g[2] = d_w + p.dx * d_centre + d_hull_w * smaller(b[2], a[2]) + d_overlap_w * smaller(a[2], b[2]);
  g[3] = d_h + p.dy * d_centre + d_hull_h * smaller(b[3], a[3]) + d_overlap_h * smaller(a[3], b[3]);
  return {p.value, g};
}

}  // namespace headroom
