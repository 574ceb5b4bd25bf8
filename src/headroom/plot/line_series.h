// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/axis.h"
#include "headroom/plot/canvas.h"

#include <span>
#include <vector>

namespace headroom {

// A line through the points; values that are not finite leave a gap. Equal sizes.
void DrawSeries(Canvas& canvas, const PlotArea& area, std::span<const double> x,
                std::span<const double> y, const Stroke& stroke);
// A disc at every finite point.
void DrawMarks(Canvas& canvas, const PlotArea& area, std::span<const double> x,
               std::span<const double> y, double radius, const Color& color);

// Gaussian smoothing, sigma in samples, weights renormalised at the ends and over values that are
// not finite (those stay so).
[[nodiscard]] std::vector<double> GaussianSmooth(std::span<const double> values, double sigma);

}  // namespace headroom
