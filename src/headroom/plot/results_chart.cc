// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/results_chart.h"

#include "headroom/plot/axis.h"
#include "headroom/plot/legend.h"
#include "headroom/plot/line_series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace headroom {
namespace {

constexpr double kPanelWidth = 240;
constexpr double kPanelHeight = 270;
constexpr double kMargin = 14;
constexpr double kLegendHeight = 30;
constexpr double kSigma = 3;
constexpr std::size_t kMostMarks = 120;

struct Grid {
  std::size_t rows = 1;
  std::size_t columns = 1;
};

// Ten panels are 2 x 5, four 2 x 2; at most five wide.
Grid GridFor(std::size_t panels) {
  constexpr std::size_t kWidest = 5;
  if (panels <= 3) return {1, std::max<std::size_t>(panels, 1)};
  const std::size_t rows = std::max<std::size_t>(2, (panels + kWidest - 1) / kWidest);
  return {rows, (panels + rows - 1) / rows};
}

// Where a column belongs; columns of equal rank keep their order.
int Rank(const std::string& column) {
  if (column.starts_with("train/")) return 0;
  if (column.starts_with("metrics/precision") || column.starts_with("metrics/recall")) return 1;
  if (column.starts_with("val/")) return 2;
  if (column.starts_with("metrics/")) return 3;
  return -1;
}

Axis ValueAxis(const std::vector<double>& values) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return AxisAround("", low, high);
}

Axis EpochAxis(const std::vector<double>& epochs) {
  Axis axis{.label = "epoch", .low = 0, .high = 1, .unit = TickUnit::kWhole};
  if (epochs.empty()) return axis;
  axis.low = epochs.front();
  axis.high = epochs.back();
  if (axis.high <= axis.low) {
    axis.low -= 0.5;
    axis.high += 0.5;
  }
  return axis;
}

void DrawPanel(Canvas& canvas, const Rect& rect, const std::vector<double>& epochs,
               const ResultsPanel& panel) {
  const PlotArea area =
      DrawAxes(canvas, rect, panel.name, EpochAxis(epochs), ValueAxis(panel.values));
  const std::size_t count = std::min(epochs.size(), panel.values.size());
  const std::span<const double> x = std::span(epochs).first(count);
  const std::span<const double> y = std::span(panel.values).first(count);
  if (std::none_of(y.begin(), y.end(), [](double value) { return std::isfinite(value); })) {
    canvas.Text(area.inner().center(), "no values",
                {.color = kMuted, .horizontal = HAlign::kCenter, .vertical = VAlign::kMiddle});
    return;
  }
  DrawSeries(canvas, area, x, y, {kAccent.WithAlpha(0.45), 1});
  const std::vector<double> smooth = GaussianSmooth(y, kSigma);
  DrawSeries(canvas, area, x, smooth, {PaletteColor(1), 2});
  if (count <= kMostMarks) DrawMarks(canvas, area, x, y, 1.8, kAccent);
}

void DrawResults(Canvas& canvas, const ResultsData& data, const Grid& grid) {
  const std::array<LegendEntry, 2> legend = {
      {{"value of the epoch", kAccent}, {"smoothed", PaletteColor(1)}}};
  DrawLegendRow(canvas, {kMargin, kLegendHeight / 2 + 4}, legend);
  for (std::size_t i = 0; i < data.panels.size(); ++i) {
    const auto column = static_cast<double>(i % grid.columns);
    const auto row = static_cast<double>(i / grid.columns);
    const Rect rect{kMargin + column * (kPanelWidth + kMargin),
                    kLegendHeight + row * (kPanelHeight + kMargin), kPanelWidth, kPanelHeight};
    DrawPanel(canvas, rect, data.epochs, data.panels[i]);
  }
}

}  // namespace

ResultsData ResultsFromTable(std::span<const std::string> columns,
                             std::span<const std::vector<double>> rows) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto value = [&](std::size_t row, std::size_t column) {
    return column < rows[row].size() ? rows[row][column] : kNone;
  };
  const auto epoch = std::find(columns.begin(), columns.end(), "epoch");
  const auto epoch_column = static_cast<std::size_t>(epoch - columns.begin());
  ResultsData data;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto position = static_cast<double>(row + 1);
    data.epochs.push_back(epoch == columns.end() ? position : value(row, epoch_column));
  }
  for (int rank = 0; rank <= 3; ++rank) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      if (Rank(columns[column]) != rank) continue;
      ResultsPanel& panel = data.panels.emplace_back();
      panel.name = columns[column];
      for (std::size_t row = 0; row < rows.size(); ++row) {
        panel.values.push_back(value(row, column));
      }
    }
  }
  return data;
}

Figure ResultsFigure(const ResultsData& data) {
  const Grid grid = GridFor(data.panels.size());
  const auto columns = static_cast<double>(grid.columns);
  const auto rows = static_cast<double>(grid.rows);
  return {.width = kMargin + columns * (kPanelWidth + kMargin),
          .height = kLegendHeight + rows * (kPanelHeight + kMargin),
          .title = "Losses and metrics over the epochs",
          .draw = [&data, grid](Canvas& canvas) { DrawResults(canvas, data, grid); }};
}

}  // namespace headroom
