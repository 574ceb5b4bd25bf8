// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/line_series.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

bool Finite(double x, double y) { return std::isfinite(x) && std::isfinite(y); }

}  // namespace

void DrawSeries(Canvas& canvas, const PlotArea& area, std::span<const double> x,
                std::span<const double> y, const Stroke& stroke) {
  HEADROOM_CHECK(x.size() == y.size(), "a series has an x for every y");
  std::vector<Point> run;
  const auto flush = [&] {
    if (run.size() > 1) canvas.Polyline(run, stroke);
    if (run.size() == 1) canvas.FillDisc(run.front(), stroke.width, stroke.color);
    run.clear();
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (Finite(x[i], y[i])) {
      run.push_back(area.At(x[i], y[i]));
    } else {
      flush();
    }
  }
  flush();
}

void DrawMarks(Canvas& canvas, const PlotArea& area, std::span<const double> x,
               std::span<const double> y, double radius, const Color& color) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (Finite(x[i], y[i])) canvas.FillDisc(area.At(x[i], y[i]), radius, color);
  }
}

std::vector<double> GaussianSmooth(std::span<const double> values, double sigma) {
  const auto reach = static_cast<std::ptrdiff_t>(std::ceil(4 * sigma));
  const auto count = static_cast<std::ptrdiff_t>(values.size());
  std::vector<double> smooth(values.begin(), values.end());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[static_cast<std::size_t>(i)])) continue;
    double sum = 0;
    double weights = 0;
    for (std::ptrdiff_t j = std::max<std::ptrdiff_t>(0, i - reach);
         j <= std::min(count - 1, i + reach); ++j) {
      const double value = values[static_cast<std::size_t>(j)];
      if (!std::isfinite(value)) continue;
      const double distance = static_cast<double>(i - j) / sigma;
      const double weight = std::exp(-0.5 * distance * distance);
      sum += weight * value;
      weights += weight;
    }
    smooth[static_cast<std::size_t>(i)] = sum / weights;
  }
  return smooth;
}

}  // namespace headroom
