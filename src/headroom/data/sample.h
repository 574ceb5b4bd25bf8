// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"

#include <cstdint>
#include <span>

namespace headroom {

// One object of one image as the network sees it.
struct LabelBox {
  std::int32_t class_id = 0;
  Xywh box;  // Normalised to the sample's width and height.
};

// How the network's pixels relate to the source image: network = source * scale + pad.
// Meaningful for letterboxed samples (validation, prediction); identity for augmented ones.
struct LetterboxGeometry {
  int source_height = 0;  // Pixels of the image file, EXIF orientation applied.
  int source_width = 0;
  float scale_x = 1;
  float scale_y = 1;
  float pad_x = 0;  // Network pixels left of the image.
  float pad_y = 0;
};

// One image ready for the network: a view of a slot that the loader owns.
struct Sample {
  std::span<const std::uint8_t>
      pixels;  // height x width x 3, RGB (or BGR where bgr= says so), row-major.
  int height = 0;
  int width = 0;
  std::span<const LabelBox> labels;
  std::uint32_t image_index = 0;  // Row of the dataset index (the mosaic's own image).
  LetterboxGeometry geometry;
};

}  // namespace headroom
