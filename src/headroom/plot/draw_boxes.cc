// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/draw_boxes.h"

#include "headroom/plot/box_layer.h"
#include "headroom/plot/drawing_overhead.h"
#include "headroom/plot/raster_canvas.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

constexpr int kStripRows = 256;
// The reference's.
double FittingLineWidth(ImageSize picture) {
  return std::max(std::round((picture.height + picture.width + 3) / 2.0 * 0.003), 2.0);
}

// Whether Draw of the layer touches the rows [top, bottom).
bool Touches(const std::vector<BoxLayer::Rows>& rows, double top, double bottom) {
  return std::any_of(rows.begin(), rows.end(), [&](const BoxLayer::Rows& touched) {
    return touched.top < bottom && touched.bottom > top;
  });
}

}  // namespace

void DrawBoxes(const MutableImageView& picture, ColorOrder order, std::span<const DrawnBox> boxes,
               int line_width) {
  if (boxes.empty() || picture.width == 0 || picture.height == 0) return;
  const double line = line_width > 0 ? line_width : FittingLineWidth(picture.size());
  RasterCanvas strip(picture.width, std::min(kStripRows, picture.height), 1);
  const Rect whole{0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height)};
  const BoxLayer layer(
      strip, {.picture = whole, .line_width = line, .font_size = std::max(5.5 * line, 12.0)},
      boxes);
  const std::vector<BoxLayer::Rows> touched = layer.TouchedRows();
  for (int top = 0; top < picture.height; top += kStripRows) {
    const int rows = std::min(kStripRows, picture.height - top);
    if (!Touches(touched, top, top + rows)) continue;
    const MutableImageView part = picture.Crop(top, 0, rows, picture.width);
    strip.CopyIn(part, order);
    strip.SetOrigin({0, static_cast<double>(top)});
    layer.Draw(strip);
    strip.CopyOut(part, order);
  }
}

MemoryNeed EstimateDrawBoxesMemory(ImageSize picture) {
  MemoryNeed need(MemoryTag::kPlots,
                  RasterCanvas::PixelBytes(picture.width, std::min(kStripRows, picture.height), 1));
  need.Add(MemoryTag::kPlots, kDrawingOverhead, NeedBasis::kAssumed);
  return need;
}

}  // namespace headroom
