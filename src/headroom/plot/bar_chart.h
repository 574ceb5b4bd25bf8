// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/canvas.h"

#include <span>
#include <string>

namespace headroom {

struct Bar {
  std::string name;
  double value = 0;  // Not negative.
  Color color;
};

// Horizontal bars, one a row, each with its name before it and its number behind it. Of more rows
// than fit, the first and the last are shown with a note between them.
void DrawBars(Canvas& canvas, const Rect& rect, std::string_view title, std::span<const Bar> bars);

}  // namespace headroom
