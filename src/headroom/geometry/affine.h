// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"
#include "headroom/geometry/point.h"

#include <array>

namespace headroom {

// A projective map of the plane, row-major: (x, y) -> (m0 x + m1 y + m2, m3 x + m4 y + m5) / w with
// w = m6 x + m7 y + m8.
struct Matrix3 {
  std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};

  [[nodiscard]] bool IsAffine() const { return m[6] == 0 && m[7] == 0; }
  [[nodiscard]] Point Apply(Point p) const;
  // Throws InternalError when it is singular.
  [[nodiscard]] Matrix3 Inverse() const;
  friend Matrix3 operator*(const Matrix3& a, const Matrix3& b);
};

// The numbers that make up an augmentation's matrix. The defaults are the map that only centres.
struct AffineParameters {
  double perspective_x = 0;
  double perspective_y = 0;
  double rotation_degrees = 0;  // Positive turns counter-clockwise, as in OpenCV (y points down).
  double zoom = 1;
  double shear_x_degrees = 0;
  double shear_y_degrees = 0;
  double centre_x = 0.5;  // Where the input's centre lands, as a share of the output's size.
  double centre_y = 0.5;
};

// Output pixels from input pixels: T * S * R * P * C, where C moves the input's centre to the
// origin, P is the perspective, R turns and zooms, S shears and T moves the origin to the wanted
// centre.
[[nodiscard]] Matrix3 AugmentationMatrix(const AffineParameters& parameters, double input_height,
                                         double input_width, double output_height,
                                         double output_width);

// The upright box around the four warped corners.
[[nodiscard]] Xyxy WarpBox(const Matrix3& output_from_input, const Xyxy& box);

}  // namespace headroom
