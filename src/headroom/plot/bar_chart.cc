// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace headroom {
namespace {

constexpr double kTitleSize = 13;
constexpr double kTitleSpace = 24;
constexpr double kSmallestRow = 7.6;
constexpr double kLargestRow = 30;
constexpr double kMostNameShare = 0.42;
constexpr double kGap = 6;

// A row of the chart; no bar: the note about those left out.
struct Row {
  const Bar* bar = nullptr;
};

std::vector<Row> RowsFor(std::span<const Bar> bars, double height) {
  std::vector<Row> rows;
  const auto fitting = static_cast<std::size_t>(std::max(3.0, height / kSmallestRow));
  for (const Bar& bar : bars) rows.push_back({&bar});
  if (rows.size() <= fitting) return rows;
  const std::size_t head = fitting / 2;
  const std::size_t tail = fitting - 1 - head;
  std::vector<Row> shown(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(head));
  shown.push_back({});
  shown.insert(shown.end(), rows.end() - static_cast<std::ptrdiff_t>(tail), rows.end());
  return shown;
}

struct Columns {
  double names = 0;
  double bars = 0;
  double highest = 1;
};

Columns MeasureColumns(Canvas& canvas, std::span<const Bar> bars, const TextStyle& style,
                       double width) {
  Columns columns;
  double numbers = 0;
  double highest = 0;
  for (const Bar& bar : bars) {
    columns.names = std::max(columns.names, canvas.TextWidth(bar.name, style));
    numbers = std::max(numbers, canvas.TextWidth(fmt::format("{:.0f}", bar.value), style));
    highest = std::max(highest, bar.value);
  }
  columns.names = std::min(columns.names, kMostNameShare * width);
  columns.bars = width - columns.names - numbers - 2 * kGap;
  if (highest > 0) columns.highest = highest;
  return columns;
}

}  // namespace

void DrawBars(Canvas& canvas, const Rect& rect, std::string_view title, std::span<const Bar> bars) {
  canvas.Text({rect.center().x, rect.y + 2}, title,
              {.size = kTitleSize,
               .weight = kBold,
               .horizontal = HAlign::kCenter,
               .vertical = VAlign::kTop});
  const double height = rect.height - kTitleSpace;
  const std::vector<Row> rows = RowsFor(bars, height);
  if (rows.empty()) return;
  const double row_height = std::min(height / static_cast<double>(rows.size()), kLargestRow);
  TextStyle style{.size = std::min(row_height * 0.86, 11.0), .vertical = VAlign::kMiddle};
  const Columns columns = MeasureColumns(canvas, bars, style, rect.width);
  const double start = rect.x + columns.names + kGap;
  double y = rect.y + kTitleSpace + row_height / 2;
  for (const Row& row : rows) {
    if (row.bar == nullptr) {
      style.horizontal = HAlign::kLeft;
      canvas.Text({start, y}, fmt::format("… {} more …", bars.size() + 1 - rows.size()), style);
    } else {
      const double length = columns.bars * row.bar->value / columns.highest;
      style.horizontal = HAlign::kRight;
      canvas.Text({start - kGap, y}, canvas.Elide(row.bar->name, style, columns.names), style);
      canvas.FillRect({start, y - 0.36 * row_height, length, 0.72 * row_height}, row.bar->color);
      style.horizontal = HAlign::kLeft;
      canvas.Text({start + length + kGap, y}, fmt::format("{:.0f}", row.bar->value), style);
    }
    y += row_height;
  }
}

}  // namespace headroom
