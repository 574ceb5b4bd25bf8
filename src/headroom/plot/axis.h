// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/canvas.h"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

enum class TickUnit : std::uint8_t {
  kNumber,
  kWhole,    // No ticks between whole numbers.
  kBytes,    // Binary units.
  kSeconds,  // Seconds, minutes or hours.
};

// low > high: the axis runs backwards.
struct Axis {
  std::string label;
  double low = 0;
  double high = 1;
  TickUnit unit = TickUnit::kNumber;
};

struct Tick {
  double value = 0;
  std::string text;
};

// Round values inside the axis' range, about `wanted` of them and at most twice as many.
[[nodiscard]] std::vector<Tick> MakeTicks(const Axis& axis, int wanted);
// What the axis is counted in, to be appended to its label: "GiB", "min"; empty for numbers.
[[nodiscard]] std::string UnitName(const Axis& axis);

// An axis that has all of the finite values, with a little room around them. Never empty.
[[nodiscard]] Axis AxisAround(std::string label, double low, double high);

// Where data lie on the canvas.
class PlotArea {
 public:
  PlotArea(const Rect& inner, const Axis& x, const Axis& y) : inner_(inner), x_(x), y_(y) {}

  [[nodiscard]] const Rect& inner() const { return inner_; }
  [[nodiscard]] double X(double value) const {
    return inner_.x + inner_.width * (value - x_.low) / (x_.high - x_.low);
  }
  [[nodiscard]] double Y(double value) const {
    return inner_.bottom() - inner_.height * (value - y_.low) / (y_.high - y_.low);
  }
  [[nodiscard]] Point At(double x, double y) const { return {X(x), Y(y)}; }

 private:
  Rect inner_;
  Axis x_;
  Axis y_;
};

// Draws title, grid, ticks and labels into `outer`, and gives the area that is left for data.
PlotArea DrawAxes(Canvas& canvas, const Rect& outer, std::string_view title, const Axis& x,
                  const Axis& y);

}  // namespace headroom
