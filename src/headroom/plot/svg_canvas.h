// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/canvas.h"

#include <string>

namespace headroom {

// SVG text for use inside a page: text stays text (the browser finds its fonts), themed colours
// carry classes ("fill-ink", "stroke-grid") for the page's style sheet, and nothing has an id, so
// any number of charts may share a page.
class SvgCanvas : public Canvas {
 public:
  // title: for screen readers.
  SvgCanvas(double width, double height, std::string_view title);

  void FillRect(const Rect& rect, const Color& color) override;
  void StrokeRect(const Rect& rect, const Stroke& stroke) override;
  void Polyline(std::span<const Point> points, const Stroke& stroke) override;
  void FillPolygon(std::span<const Point> points, const Color& color) override;
  void FillDisc(Point center, double radius, const Color& color) override;
  void PushClip(const Rect& rect) override;
  void PopClip() override;

  // The whole element. Call once, last.
  [[nodiscard]] std::string Finish();

 protected:
  void DrawText(Point anchor, const std::string& text, const TextStyle& style) override;

 private:
  void AppendPoints(std::span<const Point> points);

  std::string out_;
};

}  // namespace headroom
