// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/warp.h"

#include "headroom/core/check.h"
#include "headroom/data/augment/warp_span.h"
#include "headroom/image/letterbox.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace headroom {
namespace {

// OpenCV's: coordinates in 1/1024 px, rounded to 1/32 px.
constexpr int kCoordinateBits = 10;
constexpr double kCoordinateScale = 1 << kCoordinateBits;
constexpr int kFractionBits = 5;
constexpr std::int64_t kRounding = 1 << (kCoordinateBits - kFractionBits - 1);
// Beyond this everything is border; keeps all sums within 32 bits.
constexpr double kFarAway = 1 << 28;
// Vectors are read to their end.
constexpr int kTablePadding = 16;

std::int64_t At(int pixel) { return std::int64_t{pixel} << kCoordinateBits; }

std::int64_t RoundCoordinate(double value) {
  return std::lrint(std::clamp(value, -kFarAway, kFarAway));
}

}  // namespace

void CanvasWarp::Axis::Fill(double canvas_per_output, int width, bool mirrored) {
  step = canvas_per_output * kCoordinateScale * (mirrored ? -1 : 1);
  table.resize(static_cast<std::size_t>(width) + kTablePadding);
  for (int x = 0; x < width; ++x) {
    const int source = mirrored ? width - 1 - x : x;
    table[static_cast<std::size_t>(x)] =
        static_cast<std::int32_t>(RoundCoordinate(canvas_per_output * source * kCoordinateScale));
  }
}

// The first x whose value is at or behind the bound, in the table's own direction.
int CanvasWarp::Axis::FirstNotBefore(std::int64_t bound) const {
  const int width = static_cast<int>(table.size()) - kTablePadding;
  const bool rising = step >= 0;
  const auto before = [&](int x) {
    const std::int64_t value = table[static_cast<std::size_t>(x)];
    return rising ? value < bound : value > bound;
  };
  if (step == 0) return before(0) ? width : 0;
  const double guess = static_cast<double>(bound - table[0]) / step;
  int x = static_cast<int>(std::clamp(guess, 0.0, static_cast<double>(width)));
  while (x > 0 && !before(x - 1)) --x;
  while (x < width && before(x)) ++x;
  return x;
}

CanvasWarp::Interval CanvasWarp::Axis::Where(std::int64_t base, std::int64_t low,
                                             std::int64_t high) const {
  if (step >= 0) return {FirstNotBefore(low - base), FirstNotBefore(high - base)};
  return {FirstNotBefore(high - 1 - base), FirstNotBefore(low - 1 - base)};
}

void CanvasWarp::Prepare(const MosaicCanvas& canvas, const Matrix3& output_from_canvas,
                         ImageSize output, Flip flip) {
  canvas_ = canvas;
  output_ = output;
  flip_ = flip;
  canvas_from_output_ = output_from_canvas.Inverse();
  columns_.fill(TileColumns{});
  if (!output_from_canvas.IsAffine()) return;
  for (double& value : canvas_from_output_.m) value /= canvas_from_output_.m[8];
  x_axis_.Fill(canvas_from_output_.m[0], output.width, flip.horizontal);
  y_axis_.Fill(canvas_from_output_.m[3], output.width, flip.horizontal);
}

void CanvasWarp::Row(int y, std::uint8_t* out) {
  const int source_y = flip_.vertical ? output_.height - 1 - y : y;
  std::memset(out, kPadValue, static_cast<std::size_t>(output_.width) * 3);
  if (canvas_from_output_.IsAffine()) {
    AffineRow(source_y, out);
  } else {
    PerspectiveRow(source_y, out);
  }
}

void CanvasWarp::AffineRow(int source_y, std::uint8_t* out) {
  const auto& m = canvas_from_output_.m;
  const std::int64_t base_x =
      RoundCoordinate((m[1] * source_y + m[2]) * kCoordinateScale) + kRounding;
  const std::int64_t base_y =
      RoundCoordinate((m[4] * source_y + m[5]) * kCoordinateScale) + kRounding;
  for (int i = 0; i < canvas_.tile_count; ++i) {
    const auto k = static_cast<std::size_t>(i);
    TileRow(canvas_.tiles[k], &columns_[k], base_x, base_y, out);
  }
}

void CanvasWarp::UpdateColumns(const CanvasTile& tile, std::int64_t base_x,
                               TileColumns* columns) const {
  if (columns->base == base_x) return;
  constexpr int kSpill =
      (internal::kWarpReadBytes - 1) / 3 - 1;  // Pixels behind the right neighbour.
  const int right = tile.x + tile.pixels.width;
  columns->base = base_x;
  columns->touched = x_axis_.Where(base_x, At(tile.x - 1), At(right));
  columns->inside = x_axis_.Where(base_x, At(tile.x), At(right - 1));
  columns->inside_last_row =
      x_axis_.Where(base_x, At(tile.x), At(std::max(right - 1 - kSpill, tile.x)));
}

void CanvasWarp::TileRow(const CanvasTile& tile, TileColumns* columns, std::int64_t base_x,
                         std::int64_t base_y, std::uint8_t* out) const {
  const auto meet = [](Interval a, Interval b) {
    return Interval{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  };
  // A pixel touches the tile when any of its four neighbours lies in it: those at floor and
  // floor+1.
  const int bottom = tile.y + tile.pixels.height;
  const Interval rows_touched = y_axis_.Where(base_y, At(tile.y - 1), At(bottom));
  if (rows_touched.empty()) return;
  UpdateColumns(tile, base_x, columns);
  const Interval touched = meet(rows_touched, columns->touched);
  if (touched.empty()) return;
  Interval inside = meet(y_axis_.Where(base_y, At(tile.y), At(bottom - 2)), columns->inside);
  if (inside.empty()) {
    inside = meet(y_axis_.Where(base_y, At(tile.y), At(bottom - 1)), columns->inside_last_row);
  }
  if (inside.empty()) inside = {touched.end, touched.end};
  const auto sample = [&](int x) {
    const auto i = static_cast<std::size_t>(x);
    SamplePixel((base_x + x_axis_.table[i]) >> (kCoordinateBits - kFractionBits),
                (base_y + y_axis_.table[i]) >> (kCoordinateBits - kFractionBits), out + 3 * x);
  };
  for (int x = touched.begin; x < inside.begin; ++x) sample(x);
  for (int x = inside.end; x < touched.end; ++x) sample(x);
  if (inside.empty()) return;
  internal::BlendWarpSpan({.pixels = tile.pixels.data,
                           .row_stride = tile.pixels.row_stride,
                           .base_x = static_cast<std::int32_t>(base_x - At(tile.x)),
                           .base_y = static_cast<std::int32_t>(base_y - At(tile.y)),
                           .table_x = x_axis_.table.data() + inside.begin,
                           .table_y = y_axis_.table.data() + inside.begin,
                           .count = inside.end - inside.begin,
                           .out = out + 3 * inside.begin});
}

void CanvasWarp::PerspectiveRow(int source_y, std::uint8_t* out) const {
  const auto& m = canvas_from_output_.m;
  for (int x = 0; x < output_.width; ++x) {
    const int source_x = flip_.horizontal ? output_.width - 1 - x : x;
    const double w = m[6] * source_x + m[7] * source_y + m[8];
    const double scale = w == 0 ? 0 : (1 << kFractionBits) / w;
    SamplePixel(RoundCoordinate((m[0] * source_x + m[1] * source_y + m[2]) * scale),
                RoundCoordinate((m[3] * source_x + m[4] * source_y + m[5]) * scale), out + 3 * x);
  }
}

void CanvasWarp::SamplePixel(std::int64_t x32, std::int64_t y32, std::uint8_t* out) const {
  const int x = static_cast<int>(x32 >> kFractionBits);
  const int y = static_cast<int>(y32 >> kFractionBits);
  if (x < -1 || y < -1 || x >= canvas_.width || y >= canvas_.height) return;  // Already filled.
  const int right = static_cast<int>(x32 & 31);
  const int down = static_cast<int>(y32 & 31);
  const std::uint8_t* p00 = canvas_.Pixel(x, y);
  const std::uint8_t* p01 = canvas_.Pixel(x + 1, y);
  const std::uint8_t* p10 = canvas_.Pixel(x, y + 1);
  const std::uint8_t* p11 = canvas_.Pixel(x + 1, y + 1);
  for (int c = 0; c < 3; ++c) {
    const int upper = p00[c] * (32 - right) + p01[c] * right;
    const int lower = p10[c] * (32 - right) + p11[c] * right;
    out[c] = static_cast<std::uint8_t>((upper * (32 - down) + lower * down + 512) >> 10);
  }
}

Bytes CanvasWarp::NumBytes() const {
  return Bytes::Of(x_axis_.table.capacity() + y_axis_.table.capacity(), sizeof(std::int32_t));
}

Bytes CanvasWarp::EstimateBytes(int output_width) {
  return Bytes::Of(2 * (static_cast<std::uint64_t>(output_width) + kTablePadding),
                   sizeof(std::int32_t));
}

}  // namespace headroom
