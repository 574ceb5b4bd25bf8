// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/legend.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr double kSize = 11;
constexpr double kRow = 18;
constexpr double kMarkWidth = 16;
constexpr double kMarkGap = 6;
constexpr double kEntryGap = 18;

void DrawMark(Canvas& canvas, Point left, const LegendEntry& entry) {
  switch (entry.mark) {
    case LegendMark::kLine:
      canvas.Line(left, {left.x + kMarkWidth, left.y}, {entry.color, 2.5});
      break;
    case LegendMark::kDashedLine:
      canvas.Line(left, {left.x + kMarkWidth, left.y},
                  {entry.color, 1.5, Stroke::Pattern::kDashed});
      break;
    case LegendMark::kSquare:
      canvas.FillRect({left.x + 2, left.y - 5, 10, 10}, entry.color);
      break;
    case LegendMark::kNone:
      break;
  }
}

double TextStart(const LegendEntry& entry) {
  return entry.mark == LegendMark::kNone ? 0 : kMarkWidth + kMarkGap;
}

TextStyle StyleOf(const LegendEntry& entry) {
  return {.size = kSize, .weight = entry.weight, .vertical = VAlign::kMiddle};
}

}  // namespace

void DrawLegendColumn(Canvas& canvas, const Rect& rect, std::span<const LegendEntry> entries) {
  const auto rows = static_cast<std::size_t>(std::max(1.0, rect.height / kRow));
  const std::size_t shown = entries.size() <= rows ? entries.size() : rows - 1;
  double y = rect.y + kRow / 2;
  for (const LegendEntry& entry : entries.first(shown)) {
    DrawMark(canvas, {rect.x, y}, entry);
    const TextStyle style = StyleOf(entry);
    const double start = TextStart(entry);
    canvas.Text({rect.x + start, y}, canvas.Elide(entry.text, style, rect.width - start), style);
    y += kRow;
  }
  if (shown < entries.size()) {
    canvas.Text({rect.x, y}, fmt::format("{} more", entries.size() - shown),
                {.size = kSize, .color = kMuted, .vertical = VAlign::kMiddle});
  }
}

void DrawLegendRow(Canvas& canvas, Point left_middle, std::span<const LegendEntry> entries) {
  for (const LegendEntry& entry : entries) {
    DrawMark(canvas, left_middle, entry);
    const TextStyle style = StyleOf(entry);
    left_middle.x += TextStart(entry);
    canvas.Text(left_middle, entry.text, style);
    left_middle.x += canvas.TextWidth(entry.text, style) + kEntryGap;
  }
}

}  // namespace headroom
