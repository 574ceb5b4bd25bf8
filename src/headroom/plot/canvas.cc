// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/canvas.h"

#include "headroom/plot/text.h"

#include <array>

namespace headroom {
namespace {

// Of DejaVu Sans, by font size: from the base line to the middle and to the top of capitals.
constexpr double kHalfCapital = 0.365;
constexpr double kCapital = 0.73;
constexpr std::string_view kEllipsis = "…";

double BaselineShift(const TextStyle& style) {
  switch (style.vertical) {
    case VAlign::kBaseline:
      return 0;
    case VAlign::kMiddle:
      return kHalfCapital * style.size;
    case VAlign::kTop:
      return kCapital * style.size;
  }
  return 0;
}

}  // namespace

void Canvas::Text(Point anchor, std::string_view text, const TextStyle& style) {
  if (text.empty()) return;
  const double shift = BaselineShift(style);
  if (style.turn == Turn::kNone) {
    anchor.y += shift;
  } else {
    anchor.x += shift;
  }
  DrawText(anchor, CleanText(text), style);
}

void Canvas::Line(Point from, Point to, const Stroke& stroke) {
  Polyline(std::array{from, to}, stroke);
}

double Canvas::TextWidth(std::string_view text, const TextStyle& style) {
  return fonts_.Width(CleanText(text), style.size, style.weight);
}

std::string Canvas::Elide(std::string_view text, const TextStyle& style, double width) {
  std::string clean = CleanText(text);
  if (fonts_.Width(clean, style.size, style.weight) <= width) return clean;
  std::string kept;
  double used = fonts_.Width(kEllipsis, style.size, style.weight);
  for (std::size_t position = 0; position < clean.size();) {
    const std::size_t start = position;
    static_cast<void>(NextCodePoint(clean, &position));
    const std::string_view letter = std::string_view(clean).substr(start, position - start);
    used += fonts_.Width(letter, style.size, style.weight);
    if (used > width) break;
    kept += letter;
  }
  while (!kept.empty() && kept.back() == ' ') kept.pop_back();
  return kept + std::string(kEllipsis);
}

}  // namespace headroom
