// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"
#include "headroom/image/image_writer.h"
#include "headroom/image/jpeg_decoder.h"
#include "headroom/memory/memory_need.h"
#include "headroom/plot/drawn_box.h"
#include "headroom/plot/raster_canvas.h"

#include <filesystem>
#include <span>
#include <string_view>

namespace headroom {

struct PictureGridOptions {
  static constexpr int kMostPictures = 16;

  int count = 1;        // Pictures to come; more than kMostPictures are not drawn.
  ImageSize picture;    // Of the largest one.
  int max_side = 1920;  // Of the whole grid, in pixels.
};

// train_batch*.jpg and val_batch*: up to 16 pictures with their boxes, drawn as they come into one
// square lattice, column by column. A picture is held only while it is drawn.
class PictureGrid {
 public:
  explicit PictureGrid(const PictureGridOptions& options);

  // 8-bit pixels of 3 channels. The caption (a file name) is drawn into the picture's corner.
  // False when the grid is full; the picture is then left out.
  bool Add(const ImageView& picture, ColorOrder order, std::string_view caption,
           std::span<const DrawnBox> boxes);

  // Throws WriteError.
  void WriteJpeg(const std::filesystem::path& path) { canvas_.WriteJpeg(path); }
  [[nodiscard]] EncodedJpeg Encode(int quality);
  [[nodiscard]] ImageSize size() const { return size_; }

 private:
  PictureGridOptions options_;
  int side_;      // Pictures along each side.
  double scale_;  // Pixels of the grid a pixel of a picture.
  ImageSize tile_;
  ImageSize size_;
  RasterCanvas canvas_;
  int drawn_ = 0;
};

[[nodiscard]] MemoryNeed EstimateMemory(const PictureGridOptions& options);

}  // namespace headroom
