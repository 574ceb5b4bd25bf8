// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/point.h"
#include "headroom/plot/color.h"
#include "headroom/plot/font_set.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// Lengths are canvas units: one is a pixel of an SVG at 100 % and two pixels of a PNG. y grows
// downwards.

struct Rect {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
  [[nodiscard]] Point center() const { return {x + width / 2, y + height / 2}; }
};

struct Stroke {
  Color color = kInk;
  double width = 1;
  enum class Pattern : std::uint8_t { kSolid, kDashed } pattern = Pattern::kSolid;
};

enum class HAlign : std::uint8_t { kLeft, kCenter, kRight };
enum class VAlign : std::uint8_t { kBaseline, kMiddle, kTop };
enum class Turn : std::uint8_t { kNone, kLeft };  // kLeft: reads upwards.

struct TextStyle {
  double size = 11;
  Color color = kInk;
  internal::Weight weight = internal::Weight::kNormal;
  HAlign horizontal = HAlign::kLeft;
  VAlign vertical = VAlign::kBaseline;
  Turn turn = Turn::kNone;
};
inline constexpr internal::Weight kBold = internal::Weight::kBold;

// What charts draw on. Not thread-safe; one a thread.
class Canvas {
 public:
  Canvas() = default;
  virtual ~Canvas() = default;
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  virtual void FillRect(const Rect& rect, const Color& color) = 0;
  virtual void StrokeRect(const Rect& rect, const Stroke& stroke) = 0;
  virtual void Polyline(std::span<const Point> points, const Stroke& stroke) = 0;
  virtual void FillPolygon(std::span<const Point> points, const Color& color) = 0;
  virtual void FillDisc(Point center, double radius, const Color& color) = 0;
  // Any bytes are accepted (CleanText). The anchor is where the style's alignments meet.
  void Text(Point anchor, std::string_view text, const TextStyle& style);
  // Clips nest.
  virtual void PushClip(const Rect& rect) = 0;
  virtual void PopClip() = 0;

  void Line(Point from, Point to, const Stroke& stroke);
  [[nodiscard]] double TextWidth(std::string_view text, const TextStyle& style);
  // The text, or its beginning and an ellipsis where it is wider.
  [[nodiscard]] std::string Elide(std::string_view text, const TextStyle& style, double width);

 protected:
  // `text` is clean; the anchor's vertical place is already that of the base line.
  virtual void DrawText(Point anchor, const std::string& text, const TextStyle& style) = 0;
  [[nodiscard]] internal::FontSet& fonts() { return fonts_; }

 private:
  internal::FontSet fonts_;
};

// Clips until the end of the block.
class ClipScope {
 public:
  ClipScope(Canvas& canvas, const Rect& rect) : canvas_(canvas) { canvas_.PushClip(rect); }
  ~ClipScope() { canvas_.PopClip(); }
  ClipScope(const ClipScope&) = delete;
  ClipScope& operator=(const ClipScope&) = delete;

 private:
  Canvas& canvas_;
};

}  // namespace headroom
