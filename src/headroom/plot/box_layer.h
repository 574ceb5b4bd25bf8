// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/canvas.h"
#include "headroom/plot/drawn_box.h"

#include <span>
#include <string>
#include <vector>

namespace headroom {

// Frames and labels laid out for one picture: each frame has a thin dark edge, each label is set on
// its frame's colour, kept inside the picture and, where there is room, off the other labels.
class BoxLayer {
 public:
  struct Options {
    Rect picture;      // Where the picture lies on the canvas.
    double scale = 1;  // Canvas units a pixel of the picture.
    double line_width = 2;
    double font_size = 12;
  };

  // `canvas` measures the text.
  BoxLayer(Canvas& canvas, const Options& options, std::span<const DrawnBox> boxes);

  void Draw(Canvas& canvas) const;
  // The canvas rows that Draw touches lie in the union of these.
  struct Rows {
    double top = 0;
    double bottom = 0;
  };
  [[nodiscard]] std::vector<Rows> TouchedRows() const;

 private:
  struct Item {
    Rect frame;
    Rect label;
    std::string text;
    Color color;
  };

  [[nodiscard]] Rect FrameOf(const Xyxy& box) const;
  [[nodiscard]] Rect PlaceLabel(const Rect& frame, double width, double height) const;

  Options options_;
  std::vector<Item> items_;
};

}  // namespace headroom
