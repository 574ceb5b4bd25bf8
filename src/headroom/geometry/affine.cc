// SPDX-License-Identifier: Apache-2.0
#include "headroom/geometry/affine.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace headroom {
namespace {

double Radians(double degrees) { return degrees * std::numbers::pi / 180; }

}  // namespace

Point Matrix3::Apply(Point p) const {
  const double x = m[0] * p.x + m[1] * p.y + m[2];
  const double y = m[3] * p.x + m[4] * p.y + m[5];
  if (IsAffine()) return {x / m[8], y / m[8]};
  const double w = m[6] * p.x + m[7] * p.y + m[8];
  return {x / w, y / w};
}

Matrix3 Matrix3::Inverse() const {
  const auto cofactor = [this](int a, int b, int c, int d) { return m[a] * m[d] - m[b] * m[c]; };
  const double det =
      m[0] * cofactor(4, 5, 7, 8) - m[1] * cofactor(3, 5, 6, 8) + m[2] * cofactor(3, 4, 6, 7);
  HEADROOM_CHECK(det != 0, "the inverse of a singular matrix");
  Matrix3 inverse{{cofactor(4, 5, 7, 8), -cofactor(1, 2, 7, 8), cofactor(1, 2, 4, 5),   //
                   -cofactor(3, 5, 6, 8), cofactor(0, 2, 6, 8), -cofactor(0, 2, 3, 5),  //
                   cofactor(3, 4, 6, 7), -cofactor(0, 1, 6, 7), cofactor(0, 1, 3, 4)}};
  for (double& value : inverse.m) value = value == 0 ? 0 : value / det;  // No negative zeros.
  return inverse;
}

Matrix3 operator*(const Matrix3& a, const Matrix3& b) {
  Matrix3 product;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += a.m[row * 3 + k] * b.m[k * 3 + column];
      product.m[row * 3 + column] = sum;
    }
  }
  return product;
}

Matrix3 AugmentationMatrix(const AffineParameters& p, double input_height, double input_width,
                           double output_height, double output_width) {
  const Matrix3 centre{{1, 0, -input_width / 2, 0, 1, -input_height / 2, 0, 0, 1}};
  const Matrix3 perspective{{1, 0, 0, 0, 1, 0, p.perspective_x, p.perspective_y, 1}};
  const double cosine = p.zoom * std::cos(Radians(p.rotation_degrees));
  const double sine = p.zoom * std::sin(Radians(p.rotation_degrees));
  const Matrix3 rotation{{cosine, sine, 0, -sine, cosine, 0, 0, 0, 1}};
  const Matrix3 shear{{1, std::tan(Radians(p.shear_x_degrees)), 0,  //
                       std::tan(Radians(p.shear_y_degrees)), 1, 0,  //
                       0, 0, 1}};
  const Matrix3 move{{1, 0, p.centre_x * output_width, 0, 1, p.centre_y * output_height, 0, 0, 1}};
  return move * shear * rotation * perspective * centre;
}

Xyxy WarpBox(const Matrix3& output_from_input, const Xyxy& box) {
  const std::array<Point, 4> corners{
      output_from_input.Apply({box.x1, box.y1}), output_from_input.Apply({box.x2, box.y2}),
      output_from_input.Apply({box.x1, box.y2}), output_from_input.Apply({box.x2, box.y1})};
  const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
  const auto [top, bottom] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
  return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(right),
          static_cast<float>(bottom)};
}

}  // namespace headroom
