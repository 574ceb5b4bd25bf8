// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/figure.h"

#include "headroom/image/image_writer.h"
#include "headroom/plot/drawing_overhead.h"
#include "headroom/plot/raster_canvas.h"
#include "headroom/plot/svg_canvas.h"

namespace headroom {

void WritePng(const std::filesystem::path& path, const Figure& figure) {
  RasterCanvas canvas(figure.width, figure.height, kFileScale);
  figure.draw(canvas);
  canvas.WritePng(path);
}

void WriteJpeg(const std::filesystem::path& path, const Figure& figure) {
  RasterCanvas canvas(figure.width, figure.height, kFileScale);
  figure.draw(canvas);
  canvas.WriteJpeg(path);
}

std::string RenderSvg(const Figure& figure) {
  SvgCanvas canvas(figure.width, figure.height, figure.title);
  figure.draw(canvas);
  return canvas.Finish();
}

MemoryNeed EstimateMemory(const Figure& figure) {
  const ImageSize size = RasterCanvas::PixelSize(figure.width, figure.height, kFileScale);
  const Bytes canvas = RasterCanvas::PixelBytes(figure.width, figure.height, kFileScale);
  MemoryNeed need(MemoryTag::kPlots, canvas + EncodedJpegBound(size));
  need.Add(MemoryTag::kPlots, kDrawingOverhead, NeedBasis::kAssumed);
  return need;
}

}  // namespace headroom
