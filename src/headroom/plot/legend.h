// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/canvas.h"

#include <cstdint>
#include <span>
#include <string>

namespace headroom {

enum class LegendMark : std::uint8_t { kLine, kDashedLine, kSquare, kNone };

struct LegendEntry {
  std::string text;
  Color color;
  LegendMark mark = LegendMark::kLine;
  internal::Weight weight = internal::Weight::kNormal;
};

// One entry a row from the rectangle's top; names that are too long are cut with an ellipsis, rows
// that do not fit are counted in a last one ("12 more").
void DrawLegendColumn(Canvas& canvas, const Rect& rect, std::span<const LegendEntry> entries);
// In one row, from the left; the height is that of the text.
void DrawLegendRow(Canvas& canvas, Point left_middle, std::span<const LegendEntry> entries);

}  // namespace headroom
