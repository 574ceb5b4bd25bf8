// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/labels_chart.h"

#include "headroom/plot/axis.h"
#include "headroom/plot/bar_chart.h"
#include "headroom/plot/class_names.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

constexpr double kMargin = 20;
constexpr double kPanel = 370;
constexpr std::size_t kMostSquareClasses = 12;

void DrawClasses(Canvas& canvas, const Rect& rect, const LabelStatistics& statistics,
                 const std::vector<std::string>& names) {
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < statistics.class_counts().size(); ++i) {
    bars.push_back(
        {ClassLabel(names, i), static_cast<double>(statistics.class_counts()[i]), PaletteColor(i)});
  }
  if (bars.size() > kMostSquareClasses) {
    std::stable_sort(bars.begin(), bars.end(),
                     [](const Bar& a, const Bar& b) { return a.value > b.value; });
  }
  DrawBars(canvas, rect, "labels by class", bars);
}

void DrawShapes(Canvas& canvas, const Rect& rect, const LabelStatistics& statistics) {
  const PlotArea area =
      DrawAxes(canvas, rect, "boxes about one centre", {.label = "width", .low = -0.5, .high = 0.5},
               {.label = "height", .low = -0.5, .high = 0.5});
  const ClipScope clip(canvas, area.inner());
  for (const LabelStatistics::Sample& sample : statistics.samples()) {
    const double half_width = sample.box.w / 2;
    const double half_height = sample.box.h / 2;
    const double x = area.X(-half_width);
    const double y = area.Y(half_height);
    const Color color = PaletteColor(static_cast<std::size_t>(sample.class_id));
    canvas.StrokeRect({x, y, area.X(half_width) - x, area.Y(-half_height) - y},
                      {color.WithAlpha(0.5), 0.8});
  }
}

void DrawDensity(Canvas& canvas, const Rect& rect, const char* title, const Axis& x, const Axis& y,
                 const DensityGrid& grid) {
  const PlotArea area = DrawAxes(canvas, rect, title, x, y);
  constexpr double kCell = 1.0 / DensityGrid::kSide;
  const double width = area.inner().width * kCell;
  const double height = area.inner().height * kCell;
  for (std::size_t row = 0; row < DensityGrid::kSide; ++row) {
    for (std::size_t column = 0; column < DensityGrid::kSide; ++column) {
      const std::uint32_t count = grid.at(row, column);
      if (count == 0) continue;
      const double middle = (static_cast<double>(row) + 0.5) * kCell;
      // Square root: single boxes stay visible beside crowded cells.
      const double shade = std::sqrt(static_cast<double>(count) / grid.highest());
      canvas.FillRect({area.X(static_cast<double>(column) * kCell), area.Y(middle) - height / 2,
                       width + 0.2, height + 0.2},
                      SequentialColor(0.2 + 0.8 * shade));
    }
  }
}

// The panel at a place of the lattice, `rows` tall.
Rect Panel(int column, int row, int rows = 1) {
  constexpr double kStep = kPanel + kMargin;
  return {kMargin + column * kStep, kMargin + row * kStep, kPanel, rows * kStep - kMargin};
}

// The column of classes is as tall as the three others together where there are many.
void DrawLabels(Canvas& canvas, const LabelStatistics& statistics,
                const std::vector<std::string>& names, bool square) {
  DrawClasses(canvas, Panel(0, 0, square ? 1 : 3), statistics, names);
  DrawShapes(canvas, Panel(1, 0), statistics);
  // As in the image, y grows downwards.
  DrawDensity(canvas, square ? Panel(0, 1) : Panel(1, 1), "box centres in the image",
              {.label = "x"}, {.label = "y", .low = 1, .high = 0}, statistics.centers());
  DrawDensity(canvas, square ? Panel(1, 1) : Panel(1, 2), "box sizes", {.label = "width"},
              {.label = "height"}, statistics.sizes());
}

}  // namespace

Figure LabelsFigure(const LabelStatistics& statistics, const std::vector<std::string>& names) {
  const bool square = statistics.class_counts().size() <= kMostSquareClasses;
  return {.width = Panel(1, 0).right() + kMargin,
          .height = Panel(0, square ? 1 : 2).bottom() + kMargin,
          .title = "Labels of the training set",
          .draw = [&statistics, &names, square](Canvas& canvas) {
            DrawLabels(canvas, statistics, names, square);
          }};
}

}  // namespace headroom
