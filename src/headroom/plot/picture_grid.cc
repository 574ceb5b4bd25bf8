// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/picture_grid.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace headroom {
namespace {

constexpr int kStripRows = 256;
constexpr int kGap = 2;  // Pixels between pictures.

// Fonts and Cairo's own buffers.
constexpr Bytes kDrawingOverhead = Bytes::MiB(4);

int LatticeSide(const PictureGridOptions& options) {
  const int count = std::clamp(options.count, 1, PictureGridOptions::kMostPictures);
  return static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
}

double LatticeScale(const PictureGridOptions& options) {
  HEADROOM_CHECK(options.picture.height > 0 && options.picture.width > 0,
                 "a grid of pictures without pixels");
  const double room = static_cast<double>(options.max_side) / LatticeSide(options);
  return std::min(1.0, room / options.picture.long_side());
}

ImageSize TileSize(const PictureGridOptions& options) {
  const double scale = LatticeScale(options);
  return {std::max(1, static_cast<int>(options.picture.height * scale)),
          std::max(1, static_cast<int>(options.picture.width * scale))};
}

ImageSize GridSize(const PictureGridOptions& options) {
  const ImageSize tile = TileSize(options);
  const int side = LatticeSide(options);
  return {tile.height * side, tile.width * side};
}

void DrawCaption(Canvas& canvas, const Rect& tile, std::string_view caption, double size) {
  if (caption.empty()) return;
  const TextStyle style{.size = size, .color = Rgb(0xFFFFFF), .vertical = VAlign::kMiddle};
  const double padding = size * 0.4;
  const std::string text = canvas.Elide(caption, style, tile.width - 2 * padding);
  const Rect band{tile.x, tile.bottom() - 1.5 * size, canvas.TextWidth(text, style) + 2 * padding,
                  1.5 * size};
  canvas.FillRect(band, Rgb(0).WithAlpha(0.6));
  canvas.Text({band.x + padding, band.center().y}, text, style);
}

// Whether Draw of the layer touches the rows [top, bottom).
bool Touches(const std::vector<BoxLayer::Rows>& rows, double top, double bottom) {
  return std::any_of(rows.begin(), rows.end(), [&](const BoxLayer::Rows& touched) {
    return touched.top < bottom && touched.bottom > top;
  });
}

}  // namespace

PictureGrid::PictureGrid(const PictureGridOptions& options)
    : options_(options),
      side_(LatticeSide(options)),
      scale_(LatticeScale(options)),
      tile_(TileSize(options)),
      size_(GridSize(options)),
      canvas_(size_.width, size_.height, 1) {}

bool PictureGrid::Add(const ImageView& picture, ColorOrder order, std::string_view caption,
                      std::span<const DrawnBox> boxes) {
  if (drawn_ >= side_ * side_) return false;
  const Rect tile{static_cast<double>(drawn_ / side_) * tile_.width,
                  static_cast<double>(drawn_ % side_) * tile_.height,
                  static_cast<double>(tile_.width - kGap),
                  static_cast<double>(tile_.height - kGap)};
  ++drawn_;
  if (picture.width <= 0 || picture.height <= 0) return true;
  const double fit = std::min({scale_, tile.width / picture.width, tile.height / picture.height});
  const Rect place{tile.x, tile.y, picture.width * fit, picture.height * fit};
  canvas_.DrawImage(picture, order, place);
  const double font_size = std::clamp(tile_.width / 40.0, 9.0, 16.0);
  const BoxLayer layer(canvas_,
                       {.picture = place,
                        .scale = fit,
                        .line_width = std::clamp(tile_.width / 320.0, 1.5, 3.0),
                        .font_size = font_size},
                       boxes);
  layer.Draw(canvas_);
  DrawCaption(canvas_, place, caption, font_size);
  return true;
}

EncodedJpeg PictureGrid::Encode(int quality) {
  return EncodeJpeg(canvas_.Pixels(), ColorOrder::kBgr, quality);
}

MemoryNeed EstimateMemory(const PictureGridOptions& options) {
  const ImageSize grid = GridSize(options);
  MemoryNeed need(MemoryTag::kPlots, RasterCanvas::PixelBytes(grid.width, grid.height, 1) +
                                         options.picture.PixelBytes(4) + EncodedJpegBound(grid));
  need.Add(MemoryTag::kPlots, kDrawingOverhead, NeedBasis::kAssumed);
  return need;
}

void DrawBoxes(const MutableImageView& picture, ColorOrder order, std::span<const DrawnBox> boxes) {
  if (boxes.empty() || picture.width == 0 || picture.height == 0) return;
  // The reference's line width (recipe 10); letters to match.
  const double line = std::max(std::round((picture.height + picture.width + 3) / 2.0 * 0.003), 2.0);
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
