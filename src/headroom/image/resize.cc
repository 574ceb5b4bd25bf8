// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/resize.h"

#include "headroom/core/check.h"
#include "headroom/image/opencv_bridge.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace headroom {

void ResizeBilinear(const ImageView& from, const MutableImageView& to) {
  HEADROOM_CHECK(from.channels == to.channels && from.height > 0 && from.width > 0 &&
                     to.height > 0 && to.width > 0,
                 fmt::format("resize {}x{}x{} to {}x{}x{}", from.height, from.width, from.channels,
                             to.height, to.width, to.channels));
  if (from.size() == to.size()) {
    const std::size_t row_bytes = static_cast<std::size_t>(from.width) * from.channels;
    for (int y = 0; y < from.height; ++y) std::memcpy(to.Row(y), from.Row(y), row_bytes);
    return;
  }
  internal::EnsureQuietSerialOpenCv();
  cv::Mat result = internal::WrapMat(to);
  cv::resize(internal::WrapInput(from), result, result.size(), 0, 0, cv::INTER_LINEAR);
  HEADROOM_CHECK(result.data == to.data, "cv::resize left the caller's buffer");
}

ImageSize LoadedSize(ImageSize source, int long_side) {
  const double ratio = static_cast<double>(long_side) / source.long_side();
  if (ratio == 1) return source;
  const auto side = [&](int pixels) {
    return std::clamp(static_cast<int>(std::ceil(pixels * ratio)), 1, long_side);
  };
  return {side(source.height), side(source.width)};
}

}  // namespace headroom
