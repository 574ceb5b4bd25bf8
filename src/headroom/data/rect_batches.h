// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/image/image.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

struct RectOptions {
  int image_size = 640;  // Long side.
  int batch = 16;        // The nominal batch: how many run at once is another matter.
  int stride = 32;
  double pad = 0.5;  // In strides: 0.5 in validation, 0 in training.
};

// Rectangular batches: images in order of height / width, consecutive groups of `batch`, each with
// the smallest canvas that its ratios need.
struct RectBatches {
  std::vector<std::uint32_t> order;  // Position -> image.
  std::vector<ImageSize> shapes;     // One a batch.
  int batch = 1;

  [[nodiscard]] ImageSize ShapeOf(std::size_t position) const {
    return shapes[position / static_cast<std::size_t>(batch)];
  }
};

[[nodiscard]] RectBatches GroupByAspect(std::span<const ImageSize> sizes,
                                        const RectOptions& options);

}  // namespace headroom
