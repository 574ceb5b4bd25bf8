// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/raster_canvas.h"

#include "headroom/core/check.h"
#include "headroom/core/file.h"
#include "headroom/image/image_writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <exception>
#include <numbers>
#include <string_view>

namespace headroom {
namespace {

constexpr int kPixelBytes = 4;

// Cairo calls this from C, which an exception must not cross: it is kept and thrown afterwards.
struct PngSink {
  FileWriter& file;
  std::exception_ptr error;
};

cairo_status_t AppendToFile(void* closure, const unsigned char* data, unsigned int size) {
  auto& sink = *static_cast<PngSink*>(closure);
  try {
    sink.file.Write(data, size);
    return CAIRO_STATUS_SUCCESS;
  } catch (...) {
    sink.error = std::current_exception();
    return CAIRO_STATUS_WRITE_ERROR;
  }
}

// `to` is at least as large.
void CopyToXrgb(const ImageView& from, ColorOrder order, const MutableImageView& to) {
  HEADROOM_CHECK(from.channels == 3, "images are drawn from 3 channels");
  const int blue = order == ColorOrder::kBgr ? 0 : 2;
  for (int y = 0; y < from.height; ++y) {
    const std::uint8_t* source = from.Row(y);
    std::uint8_t* target = to.Row(y);
    for (int x = 0; x < from.width; ++x, source += 3, target += kPixelBytes) {
      target[0] = source[blue];
      target[1] = source[1];
      target[2] = source[2 - blue];
      target[3] = 0xFF;
    }
  }
}

MutableImageView PixelsOf(cairo_surface_t* surface) {
  cairo_surface_flush(surface);
  return {cairo_image_surface_get_data(surface), cairo_image_surface_get_height(surface),
          cairo_image_surface_get_width(surface), kPixelBytes,
          cairo_image_surface_get_stride(surface)};
}

cairo_surface_t* MakeSurface(ImageSize size) {
  cairo_surface_t* surface =
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, size.width, size.height);
  const cairo_status_t status = cairo_surface_status(surface);
  if (status != CAIRO_STATUS_SUCCESS) cairo_surface_destroy(surface);
  HEADROOM_CHECK(status == CAIRO_STATUS_SUCCESS,
                 fmt::format("no canvas of {}x{} pixels: {}", size.width, size.height,
                             cairo_status_to_string(status)));
  return surface;
}

}  // namespace

ImageSize RasterCanvas::PixelSize(double width, double height, double scale) {
  return {static_cast<int>(std::ceil(height * scale)), static_cast<int>(std::ceil(width * scale))};
}

Bytes RasterCanvas::PixelBytes(double width, double height, double scale) {
  const ImageSize size = PixelSize(width, height, scale);
  return Bytes::Of(static_cast<std::uint64_t>(size.height),
                   static_cast<std::uint64_t>(size.width) * kPixelBytes);
}

RasterCanvas::RasterCanvas(double width, double height, double scale, const Color& background)
    : scale_(scale),
      surface_(MakeSurface(PixelSize(width, height, scale))),
      context_(cairo_create(surface_.get())) {
  Use(background);
  cairo_paint(context_.get());
  cairo_set_line_join(context_.get(), CAIRO_LINE_JOIN_ROUND);
  SetOrigin({0, 0});
}

void RasterCanvas::SetOrigin(Point origin) {
  cairo_identity_matrix(context_.get());
  cairo_scale(context_.get(), scale_, scale_);
  cairo_translate(context_.get(), -origin.x, -origin.y);
}

void RasterCanvas::Use(const Color& color) {
  cairo_set_source_rgba(context_.get(), color.r, color.g, color.b, color.a);
}

void RasterCanvas::Use(const Stroke& stroke) {
  Use(stroke.color);
  cairo_set_line_width(context_.get(), stroke.width);
  const std::array<double, 2> dashes = {stroke.width * 4, stroke.width * 3};
  const bool dashed = stroke.pattern == Stroke::Pattern::kDashed;
  cairo_set_dash(context_.get(), dashes.data(), dashed ? 2 : 0, 0);
}

void RasterCanvas::FillRect(const Rect& rect, const Color& color) {
  Use(color);
  cairo_rectangle(context_.get(), rect.x, rect.y, rect.width, rect.height);
  cairo_fill(context_.get());
}

void RasterCanvas::StrokeRect(const Rect& rect, const Stroke& stroke) {
  Use(stroke);
  cairo_rectangle(context_.get(), rect.x, rect.y, rect.width, rect.height);
  cairo_stroke(context_.get());
}

void RasterCanvas::Trace(std::span<const Point> points) {
  for (const Point& point : points) cairo_line_to(context_.get(), point.x, point.y);
}

void RasterCanvas::Polyline(std::span<const Point> points, const Stroke& stroke) {
  Use(stroke);
  Trace(points);
  cairo_stroke(context_.get());
}

void RasterCanvas::FillPolygon(std::span<const Point> points, const Color& color) {
  Use(color);
  Trace(points);
  cairo_fill(context_.get());
}

void RasterCanvas::FillDisc(Point center, double radius, const Color& color) {
  Use(color);
  cairo_new_sub_path(context_.get());
  cairo_arc(context_.get(), center.x, center.y, radius, 0, 2 * std::numbers::pi);
  cairo_fill(context_.get());
}

void RasterCanvas::DrawText(Point anchor, const std::string& text, const TextStyle& style) {
  const double width = fonts().Width(text, style.size, style.weight);
  const double shift = style.horizontal == HAlign::kLeft     ? 0
                       : style.horizontal == HAlign::kCenter ? width / 2
                                                             : width;
  cairo_save(context_.get());
  Use(style.color);
  cairo_translate(context_.get(), anchor.x, anchor.y);
  if (style.turn == Turn::kLeft) cairo_rotate(context_.get(), -std::numbers::pi / 2);
  cairo_move_to(context_.get(), -shift, 0);
  fonts().Show(context_.get(), text, style.size, style.weight);
  cairo_restore(context_.get());
  cairo_new_path(context_.get());
}

void RasterCanvas::PushClip(const Rect& rect) {
  cairo_save(context_.get());
  cairo_rectangle(context_.get(), rect.x, rect.y, rect.width, rect.height);
  cairo_clip(context_.get());
}

void RasterCanvas::PopClip() { cairo_restore(context_.get()); }

void RasterCanvas::DrawImage(const ImageView& image, ColorOrder order, const Rect& to) {
  if (image.width == 0 || image.height == 0) return;
  const std::unique_ptr<cairo_surface_t, Release> copy(MakeSurface(image.size()));
  CopyToXrgb(image, order, PixelsOf(copy.get()));
  cairo_surface_mark_dirty(copy.get());
  cairo_save(context_.get());
  cairo_rectangle(context_.get(), to.x, to.y, to.width, to.height);
  cairo_clip(context_.get());
  cairo_translate(context_.get(), to.x, to.y);
  cairo_scale(context_.get(), to.width / image.width, to.height / image.height);
  cairo_set_source_surface(context_.get(), copy.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(context_.get()), CAIRO_FILTER_GOOD);
  // Beside the image lies its edge, not black: else the border is mixed with it.
  cairo_pattern_set_extend(cairo_get_source(context_.get()), CAIRO_EXTEND_PAD);
  cairo_paint(context_.get());
  cairo_restore(context_.get());
}

ImageView RasterCanvas::Pixels() { return PixelsOf(surface_.get()); }

void RasterCanvas::CopyIn(const ImageView& image, ColorOrder order) {
  CopyToXrgb(image, order, PixelsOf(surface_.get()));
  cairo_surface_mark_dirty(surface_.get());
}

void RasterCanvas::CopyOut(const MutableImageView& image, ColorOrder order) {
  const ImageView from = Pixels();
  const int blue = order == ColorOrder::kBgr ? 0 : 2;
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* source = from.Row(y);
    std::uint8_t* target = image.Row(y);
    for (int x = 0; x < image.width; ++x, source += kPixelBytes, target += 3) {
      target[blue] = source[0];
      target[1] = source[1];
      target[2 - blue] = source[2];
    }
  }
}

void RasterCanvas::WritePng(const std::filesystem::path& path) {
  WriteFileAtomic(path, [&](FileWriter& file) {
    PngSink sink{file, nullptr};
    const cairo_status_t status =
        cairo_surface_write_to_png_stream(surface_.get(), AppendToFile, &sink);
    if (sink.error) std::rethrow_exception(sink.error);
    HEADROOM_CHECK(status == CAIRO_STATUS_SUCCESS, cairo_status_to_string(status));
  });
}

void RasterCanvas::WriteJpeg(const std::filesystem::path& path, int quality) {
  const EncodedJpeg jpeg = EncodeJpeg(Pixels(), ColorOrder::kBgr, quality);
  WriteFileAtomic(path, jpeg.bytes());
}

}  // namespace headroom
