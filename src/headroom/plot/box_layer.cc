// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/box_layer.h"

#include <algorithm>
#include <array>

namespace headroom {
namespace {

bool Overlap(const Rect& a, const Rect& b) {
  return a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
}

// Moved, never resized, to lie inside.
Rect KeepInside(Rect rect, const Rect& bounds) {
  rect.x = std::max(bounds.x, std::min(rect.x, bounds.right() - rect.width));
  rect.y = std::max(bounds.y, std::min(rect.y, bounds.bottom() - rect.height));
  return rect;
}

}  // namespace

BoxLayer::BoxLayer(Canvas& canvas, const Options& options, std::span<const DrawnBox> boxes)
    : options_(options) {
  const TextStyle style{.size = options.font_size};
  const double padding = options.font_size * 0.3;
  items_.reserve(boxes.size());
  for (const DrawnBox& box : boxes) {
    Item item{.frame = FrameOf(box.box),
              .label = {},
              .text = canvas.Elide(box.label, style, options.picture.width - 2 * padding),
              .color = PaletteColor(static_cast<std::size_t>(std::max(box.class_id, 0)))};
    if (!item.text.empty()) {
      item.label = PlaceLabel(item.frame, canvas.TextWidth(item.text, style) + 2 * padding,
                              options.font_size * 1.3);
    }
    items_.push_back(std::move(item));
  }
}

Rect BoxLayer::FrameOf(const Xyxy& box) const {
  const Rect& picture = options_.picture;
  const auto x = [&](float value) {
    return std::clamp(picture.x + double{value} * options_.scale, picture.x, picture.right());
  };
  const auto y = [&](float value) {
    return std::clamp(picture.y + double{value} * options_.scale, picture.y, picture.bottom());
  };
  return {x(box.x1), y(box.y1), x(box.x2) - x(box.x1), y(box.y2) - y(box.y1)};
}

Rect BoxLayer::PlaceLabel(const Rect& frame, double width, double height) const {
  const double half = options_.line_width / 2;
  const double left = frame.x - half;
  const double right = frame.right() + half - width;
  const std::array<Point, 6> corners = {{{left, frame.y + half - height},
                                         {left, frame.y - half},
                                         {right, frame.y + half - height},
                                         {left, frame.bottom() - half},
                                         {right, frame.bottom() - half},
                                         {left, frame.bottom() + half - height}}};
  const auto place = [&](const Point& corner) {
    return KeepInside({corner.x, corner.y, width, height}, options_.picture);
  };
  for (const Point& corner : corners) {
    const Rect label = place(corner);
    // No room above the frame: its inside is the next candidate.
    if (label.y > corner.y) continue;
    const bool taken = std::any_of(items_.begin(), items_.end(),
                                   [&](const Item& other) { return Overlap(other.label, label); });
    if (!taken) return label;
  }
  return place(corners.front());
}

std::vector<BoxLayer::Rows> BoxLayer::TouchedRows() const {
  std::vector<Rows> rows;
  const double reach = options_.line_width + 1;
  for (const Item& item : items_) {
    rows.push_back({item.frame.y - reach, item.frame.bottom() + reach});
    if (!item.text.empty()) rows.push_back({item.label.y - 1, item.label.bottom() + 1});
  }
  return rows;
}

void BoxLayer::Draw(Canvas& canvas) const {
  const ClipScope clip(canvas, options_.picture);
  // The last is the least certain: drawn first.
  for (std::size_t i = items_.size(); i-- > 0;) {
    const Item& item = items_[i];
    canvas.StrokeRect(item.frame, {Rgb(0).WithAlpha(0.45), options_.line_width + 1});
    canvas.StrokeRect(item.frame, {item.color, options_.line_width});
  }
  for (std::size_t i = items_.size(); i-- > 0;) {
    const Item& item = items_[i];
    if (item.text.empty()) continue;
    canvas.FillRect(item.label, item.color);
    canvas.Text(item.label.center(), item.text,
                {.size = options_.font_size,
                 .color = ReadableOn(item.color),
                 .horizontal = HAlign::kCenter,
                 .vertical = VAlign::kMiddle});
  }
}

}  // namespace headroom
