// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/picture_grid.h"

#include "headroom/core/check.h"
#include "headroom/plot/box_layer.h"
#include "headroom/plot/drawing_overhead.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace headroom {
namespace {

constexpr int kGap = 2;  // Pixels between pictures.

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

}  // namespace headroom
