// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/svg_canvas.h"

#include "headroom/plot/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace headroom {
namespace {

// Points that lie nearer to the drawn line are left out.
constexpr double kFlat = 0.1;

std::string Number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string Hex(const Color& color) {
  const auto byte = [](double component) { return std::lround(component * 255); };
  return fmt::format("#{:02x}{:02x}{:02x}", byte(color.r), byte(color.g), byte(color.b));
}

const char* RoleName(ColorRole role) {
  switch (role) {
    case ColorRole::kFixed:
      return nullptr;
    case ColorRole::kInk:
      return "ink";
    case ColorRole::kMuted:
      return "muted";
    case ColorRole::kGrid:
      return "grid";
    case ColorRole::kPaper:
      return "paper";
    case ColorRole::kAccent:
      return "accent";
  }
  return nullptr;
}

// Attributes of a fill or stroke: the light page's colour, and the class that restyles it.
std::string Paint(const char* property, const Color& color) {
  std::string text = fmt::format(" {}=\"{}\"", property, Hex(color));
  if (color.a < 1) text += fmt::format(" {}-opacity=\"{}\"", property, Number(color.a));
  if (const char* role = RoleName(color.role)) {
    text += fmt::format(" class=\"{}-{}\"", property, role);
  }
  return text;
}

std::string Paint(const Stroke& stroke) {
  std::string text =
      Paint("stroke", stroke.color) + fmt::format(" stroke-width=\"{}\"", Number(stroke.width));
  if (stroke.pattern == Stroke::Pattern::kDashed) {
    text += fmt::format(" stroke-dasharray=\"{} {}\"", Number(stroke.width * 4),
                        Number(stroke.width * 3));
  }
  return text;
}

std::string Box(const Rect& rect) {
  return fmt::format(" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", Number(rect.x),
                     Number(rect.y), Number(rect.width), Number(rect.height));
}

// Which directions from `start` pass within kFlat of every point left out since (the sleeve of Zhao
// and Saalfeld, 1997): one pass, and no point is further from the drawn line than that.
class Sleeve {
 public:
  explicit Sleeve(Point start) : start_(start) {}

  // Whether `point` may be left out when `next` follows it.
  bool Passes(Point point, Point next) {
    const double distance = std::hypot(point.x - start_.x, point.y - start_.y);
    const double next_distance = std::hypot(next.x - start_.x, next.y - start_.y);
    if (next_distance < distance) return false;
    if (distance < kFlat) return true;
    const double half = std::asin(kFlat / distance);
    const double angle = Angle(point);
    low_ = std::max(low_, angle - half);
    high_ = std::min(high_, angle + half);
    const double ahead = Angle(next);
    return low_ <= ahead && ahead <= high_;
  }

 private:
  // Against the first direction that was asked for, in [-pi, pi].
  double Angle(Point point) {
    const double angle = std::atan2(point.y - start_.y, point.x - start_.x);
    if (std::isnan(base_)) base_ = angle;
    return std::remainder(angle - base_, 2 * std::numbers::pi);
  }

  Point start_;
  double base_ = std::numeric_limits<double>::quiet_NaN();
  double low_ = -std::numbers::pi;
  double high_ = std::numbers::pi;
};

const char* Anchor(HAlign align) {
  switch (align) {
    case HAlign::kLeft:
      return "start";
    case HAlign::kCenter:
      return "middle";
    case HAlign::kRight:
      return "end";
  }
  return "start";
}

}  // namespace

SvgCanvas::SvgCanvas(double width, double height, std::string_view title) {
  out_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" font-family=\"'DejaVu Sans',Verdana,sans-serif\" "
      "stroke-linejoin=\"round\"><title>{2}</title>\n",
      Number(width), Number(height), EscapeXml(title));
}

std::string SvgCanvas::Finish() {
  out_ += "</svg>\n";
  return std::move(out_);
}

void SvgCanvas::FillRect(const Rect& rect, const Color& color) {
  out_ += fmt::format("<rect{}{}/>\n", Box(rect), Paint("fill", color));
}

void SvgCanvas::StrokeRect(const Rect& rect, const Stroke& stroke) {
  out_ += fmt::format("<rect fill=\"none\"{}{}/>\n", Box(rect), Paint(stroke));
}

void SvgCanvas::AppendPoints(std::span<const Point> points) {
  if (points.empty()) return;
  Sleeve sleeve(points.front());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool inner = i > 0 && i + 1 < points.size();
    if (inner && sleeve.Passes(points[i], points[i + 1])) continue;
    sleeve = Sleeve(points[i]);
    out_ += fmt::format("{}{},{}", i == 0 ? "" : " ", Number(points[i].x), Number(points[i].y));
  }
}

void SvgCanvas::Polyline(std::span<const Point> points, const Stroke& stroke) {
  out_ += fmt::format("<polyline fill=\"none\"{} points=\"", Paint(stroke));
  AppendPoints(points);
  out_ += "\"/>\n";
}

void SvgCanvas::FillPolygon(std::span<const Point> points, const Color& color) {
  out_ += fmt::format("<polygon{} points=\"", Paint("fill", color));
  AppendPoints(points);
  out_ += "\"/>\n";
}

void SvgCanvas::FillDisc(Point center, double radius, const Color& color) {
  out_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>\n", Number(center.x),
                      Number(center.y), Number(radius), Paint("fill", color));
}

void SvgCanvas::DrawText(Point anchor, const std::string& text, const TextStyle& style) {
  const std::string x = Number(anchor.x);
  const std::string y = Number(anchor.y);
  out_ += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\"{}", x, y, Number(style.size),
                      Paint("fill", style.color));
  if (style.weight == kBold) out_ += " font-weight=\"bold\"";
  if (style.horizontal != HAlign::kLeft) {
    out_ += fmt::format(" text-anchor=\"{}\"", Anchor(style.horizontal));
  }
  if (style.turn == Turn::kLeft) out_ += fmt::format(" transform=\"rotate(-90 {} {})\"", x, y);
  out_ += fmt::format(">{}</text>\n", EscapeXml(text));
}

void SvgCanvas::PushClip(const Rect& rect) {
  // An inner viewport clips without an id.
  out_ += fmt::format("<svg{} viewBox=\"{} {} {} {}\">\n", Box(rect), Number(rect.x),
                      Number(rect.y), Number(rect.width), Number(rect.height));
}

void SvgCanvas::PopClip() { out_ += "</svg>\n"; }

}  // namespace headroom
