// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/augment/canvas.h"
#include "headroom/data/augment/flip.h"
#include "headroom/geometry/affine.h"

#include <array>
#include <cstdint>
#include <vector>

namespace headroom {

// Warps a canvas into an image, one output row at a time, so that what follows (colour) finds the
// row in the cache. The pixels are those of OpenCV 4.6's warpAffine (bilinear, constant border
// kPadValue) on the drawn canvas, then flipped: coordinates in 1/1024 px, rounded to 1/32 px,
// integer weights. A projective matrix gives those of warpPerspective within one grey level.
// One a worker: it keeps its tables between images and allocates only when the output grows.
class CanvasWarp {
 public:
  // The canvas's tiles must stay alive while rows are made.
  void Prepare(const MosaicCanvas& canvas, const Matrix3& output_from_canvas, ImageSize output,
               Flip flip);
  // Row y of the flipped output: width * 3 bytes.
  void Row(int y, std::uint8_t* out);

  [[nodiscard]] Bytes NumBytes() const;
  [[nodiscard]] static Bytes EstimateBytes(int output_width);

 private:
  // Output pixels [begin, end).
  struct Interval {
    int begin = 0;
    int end = 0;
    [[nodiscard]] bool empty() const { return begin >= end; }
  };
  // The source coordinate along a row: base + table[x], in 1/1024 px, monotone in x.
  struct Axis {
    std::vector<std::int32_t> table;
    double step = 0;  // Of the table, per pixel; its sign is the table's direction.

    void Fill(double canvas_per_output, int width, bool mirrored);
    // Where low <= base + table[x] < high.
    [[nodiscard]] Interval Where(std::int64_t base, std::int64_t low, std::int64_t high) const;
    [[nodiscard]] int FirstNotBefore(std::int64_t bound) const;
  };
  // The columns of one tile in the last row, which is often right for the next one too.
  struct TileColumns {
    std::int64_t base = INT64_MIN;
    Interval touched;
    Interval inside;
    Interval inside_last_row;  // Where whole vectors may be read from the tile's last row.
  };

  void AffineRow(int source_y, std::uint8_t* out);
  void PerspectiveRow(int source_y, std::uint8_t* out) const;
  void TileRow(const CanvasTile& tile, TileColumns* columns, std::int64_t base_x,
               std::int64_t base_y, std::uint8_t* out) const;
  void UpdateColumns(const CanvasTile& tile, std::int64_t base_x, TileColumns* columns) const;
  // One pixel, wherever its four neighbours lie. Coordinates in 1/32 px.
  void SamplePixel(std::int64_t x32, std::int64_t y32, std::uint8_t* out) const;

  MosaicCanvas canvas_;
  ImageSize output_;
  Flip flip_;
  Matrix3 canvas_from_output_;
  Axis x_axis_;
  Axis y_axis_;
  std::array<TileColumns, MosaicCanvas::kMaxTiles> columns_;
};

}  // namespace headroom
