// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/rect_batches.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace headroom {
namespace {

double Aspect(ImageSize size) { return static_cast<double>(size.height) / size.width; }

ImageSize CanvasOf(double least_aspect, double most_aspect, const RectOptions& options) {
  double height = 1;
  double width = 1;
  if (most_aspect < 1) {
    height = most_aspect;
  } else if (least_aspect > 1) {
    width = 1 / least_aspect;
  }
  const auto side = [&](double share) {
    return static_cast<int>(std::ceil(share * options.image_size / options.stride + options.pad)) *
           options.stride;
  };
  return {side(height), side(width)};
}

}  // namespace

RectBatches GroupByAspect(std::span<const ImageSize> sizes, const RectOptions& options) {
  HEADROOM_CHECK(options.batch > 0 && options.stride > 0 && options.image_size > 0, "rect options");
  RectBatches batches;
  batches.batch = options.batch;
  batches.order.resize(sizes.size());
  std::iota(batches.order.begin(), batches.order.end(), 0U);
  // By index where equal, which makes it stable.
  std::sort(batches.order.begin(), batches.order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const double aspect_a = Aspect(sizes[a]);
    const double aspect_b = Aspect(sizes[b]);
    return aspect_a != aspect_b ? aspect_a < aspect_b : a < b;
  });
  const auto step = static_cast<std::size_t>(options.batch);
  for (std::size_t first = 0; first < sizes.size(); first += step) {
    const std::size_t last = std::min(first + step, sizes.size()) - 1;
    batches.shapes.push_back(
        CanvasOf(Aspect(sizes[batches.order[first]]), Aspect(sizes[batches.order[last]]), options));
  }
  return batches;
}

}  // namespace headroom
