// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/image/image.h"
#include "headroom/image/jpeg_decoder.h"
#include "headroom/plot/canvas.h"

#include <cairo.h>

#include <filesystem>
#include <memory>

namespace headroom {

// Pixels: 4 bytes each, held until the end. Throws InternalError when Cairo refuses the size or
// its memory.
class RasterCanvas : public Canvas {
 public:
  // scale: pixels a unit.
  RasterCanvas(double width, double height, double scale, const Color& background = kPaper);

  [[nodiscard]] static ImageSize PixelSize(double width, double height, double scale);
  [[nodiscard]] static Bytes PixelBytes(double width, double height, double scale);

  void FillRect(const Rect& rect, const Color& color) override;
  void StrokeRect(const Rect& rect, const Stroke& stroke) override;
  void Polyline(std::span<const Point> points, const Stroke& stroke) override;
  void FillPolygon(std::span<const Point> points, const Color& color) override;
  void FillDisc(Point center, double radius, const Color& color) override;
  void PushClip(const Rect& rect) override;
  void PopClip() override;
  // Pixels of 3 channels, scaled into the rectangle. Holds a copy of 4 bytes a pixel meanwhile.
  void DrawImage(const ImageView& image, ColorOrder order, const Rect& to);
  // Moves the origin: what was drawn at `origin` is then drawn at 0, 0.
  void SetOrigin(Point origin);

  // Pixels of 3 channels, unscaled, to and from the canvas' top left corner.
  void CopyIn(const ImageView& image, ColorOrder order);
  void CopyOut(const MutableImageView& image, ColorOrder order);
  // 4 channels: blue, green, red, unused. Valid until the next drawing call.
  [[nodiscard]] ImageView Pixels();
  // Throw WriteError; the file is whole or not there. A JPEG's quality is 1..100.
  void WritePng(const std::filesystem::path& path);
  void WriteJpeg(const std::filesystem::path& path, int quality = 92);

 protected:
  void DrawText(Point anchor, const std::string& text, const TextStyle& style) override;

 private:
  struct Release {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* context) const { cairo_destroy(context); }
  };

  void Use(const Color& color);
  void Use(const Stroke& stroke);
  void Trace(std::span<const Point> points);

  double scale_;
  std::unique_ptr<cairo_surface_t, Release> surface_;
  std::unique_ptr<cairo_t, Release> context_;
};

}  // namespace headroom
