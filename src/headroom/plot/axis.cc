// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace headroom {
namespace {

constexpr double kTickSize = 10;
constexpr double kLabelSize = 11;
constexpr double kTitleSize = 13;
constexpr double kGap = 5;
constexpr double kPixelsPerXTick = 70;
constexpr double kPixelsPerYTick = 42;

struct Unit {
  double size = 1;
  const char* name = "";
};

// The largest unit of which the range holds at least two.
Unit ChooseUnit(const Axis& axis) {
  static constexpr std::array<Unit, 5> kByteUnits = {
      {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0x1p40, "TiB"}}};
  static constexpr std::array<Unit, 3> kTimeUnits = {{{1, "s"}, {60, "min"}, {3600, "h"}}};
  std::span<const Unit> units;
  if (axis.unit == TickUnit::kBytes) units = kByteUnits;
  if (axis.unit == TickUnit::kSeconds) units = kTimeUnits;
  Unit chosen;
  const double reach = std::max(std::abs(axis.low), std::abs(axis.high));
  for (const Unit& unit : units) {
    if (chosen.name[0] == '\0' || reach >= 2 * unit.size) chosen = unit;
  }
  return chosen;
}

// The step of 1, 2 or 5 times a power of ten that is nearest, by ratio, to `wanted` parts.
double NiceStep(double span, int wanted) {
  const double rough = span / std::max(wanted, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double factor = rough / power;
  if (factor < std::sqrt(2.0)) return power;
  if (factor < std::sqrt(10.0)) return 2 * power;
  return (factor < std::sqrt(50.0) ? 5 : 10) * power;
}

std::string TickText(double value, double step) {
  if (std::abs(value) < step * 1e-6) return "0";
  const bool scientific = std::abs(value) >= 1e6 || step < 1e-5;
  if (scientific) return fmt::format("{:.3g}", value);
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value, digits);
}

double WidestTick(Canvas& canvas, const std::vector<Tick>& ticks, const TextStyle& style) {
  double width = 0;
  for (const Tick& tick : ticks) width = std::max(width, canvas.TextWidth(tick.text, style));
  return width;
}

std::string FullLabel(const Axis& axis) {
  const std::string unit = UnitName(axis);
  if (unit.empty()) return axis.label;
  return axis.label.empty() ? unit : fmt::format("{} ({})", axis.label, unit);
}

int TicksFor(double length, double pixels_per_tick) {
  return std::clamp(static_cast<int>(length / pixels_per_tick), 2, 10);
}

void DrawXTicks(Canvas& canvas, const PlotArea& area, const std::vector<Tick>& ticks) {
  const Rect& inner = area.inner();
  for (const Tick& tick : ticks) {
    const double x = area.X(tick.value);
    canvas.Line({x, inner.y}, {x, inner.bottom()}, {kGrid, 0.7});
    canvas.Text({x, inner.bottom() + kGap}, tick.text,
                {.size = kTickSize,
                 .color = kMuted,
                 .horizontal = HAlign::kCenter,
                 .vertical = VAlign::kTop});
  }
}

void DrawYTicks(Canvas& canvas, const PlotArea& area, const std::vector<Tick>& ticks) {
  const Rect& inner = area.inner();
  for (const Tick& tick : ticks) {
    const double y = area.Y(tick.value);
    canvas.Line({inner.x, y}, {inner.right(), y}, {kGrid, 0.7});
    canvas.Text({inner.x - kGap, y}, tick.text,
                {.size = kTickSize,
                 .color = kMuted,
                 .horizontal = HAlign::kRight,
                 .vertical = VAlign::kMiddle});
  }
}

void DrawLabels(Canvas& canvas, const Rect& outer, const Rect& inner, std::string_view title,
                const std::string& x_label, const std::string& y_label) {
  const TextStyle title_style{
      .size = kTitleSize, .weight = kBold, .horizontal = HAlign::kCenter, .vertical = VAlign::kTop};
  canvas.Text({inner.center().x, outer.y + 2}, canvas.Elide(title, title_style, outer.width),
              title_style);
  canvas.Text({inner.center().x, outer.bottom() - 3}, x_label,
              {.size = kLabelSize, .horizontal = HAlign::kCenter});
  canvas.Text({outer.x, inner.center().y}, y_label,
              {.size = kLabelSize,
               .horizontal = HAlign::kCenter,
               .vertical = VAlign::kTop,
               .turn = Turn::kLeft});
}

}  // namespace

std::string UnitName(const Axis& axis) { return ChooseUnit(axis).name; }

std::vector<Tick> MakeTicks(const Axis& axis, int wanted) {
  std::vector<Tick> ticks;
  const double unit = ChooseUnit(axis).size;
  const double low = std::min(axis.low, axis.high) / unit;
  const double high = std::max(axis.low, axis.high) / unit;
  if (!(high > low) || !std::isfinite(high - low)) return ticks;
  double step = NiceStep(high - low, wanted);
  if (axis.unit == TickUnit::kWhole) step = std::max(1.0, step);
  const double slack = step * 1e-6;
  const double first = std::ceil((low - slack) / step);
  for (double i = first; i * step <= high + slack; ++i) {
    ticks.push_back({i * step * unit, TickText(i * step, step)});
  }
  return ticks;
}

Axis AxisAround(std::string label, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) {
    low = 0;
    high = 1;
  }
  const double room = high > low ? (high - low) * 0.05 : std::max(std::abs(high) * 0.1, 1e-3);
  Axis axis{.label = std::move(label), .low = low - room, .high = high + room};
  // Nothing that is counted or measured here is negative: no room below a zero.
  if (low >= 0 && axis.low < 0) axis.low = 0;
  return axis;
}

PlotArea DrawAxes(Canvas& canvas, const Rect& outer, std::string_view title, const Axis& x,
                  const Axis& y) {
  const std::string x_label = FullLabel(x);
  const std::string y_label = FullLabel(y);
  Rect inner = outer;
  const double top = title.empty() ? kTickSize / 2 : kTitleSize + 2 * kGap;
  const double bottom = kTickSize + 2 * kGap + (x_label.empty() ? 0 : kLabelSize + kGap);
  inner.y += top;
  inner.height -= top + bottom;
  const std::vector<Tick> y_ticks = MakeTicks(y, TicksFor(inner.height, kPixelsPerYTick));
  const TextStyle tick_style{.size = kTickSize};
  const double left =
      WidestTick(canvas, y_ticks, tick_style) + kGap + (y_label.empty() ? 0 : kLabelSize + kGap);
  inner.x += left;
  inner.width -= left;
  const std::vector<Tick> x_ticks = MakeTicks(x, TicksFor(inner.width, kPixelsPerXTick));
  inner.width -= WidestTick(canvas, x_ticks, tick_style) / 2;  // Of a tick at the very end.
  const PlotArea area(inner, x, y);
  DrawXTicks(canvas, area, x_ticks);
  DrawYTicks(canvas, area, y_ticks);
  canvas.Line({inner.x, inner.bottom()}, {inner.right(), inner.bottom()}, {kMuted, 1});
  canvas.Line({inner.x, inner.y}, {inner.x, inner.bottom()}, {kMuted, 1});
  DrawLabels(canvas, outer, inner, title, x_label, y_label);
  return area;
}

}  // namespace headroom
