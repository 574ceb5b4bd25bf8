// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/letterbox.h"

#include "headroom/core/check.h"
#include "headroom/image/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace headroom {
namespace {

// The reference rounds with Python's round(): half to even, which is the default rounding mode.
int Round(double value) { return static_cast<int>(std::nearbyint(value)); }

void FillPad(std::uint8_t* data, int pixels, int channels) {
  std::memset(data, kPadValue, static_cast<std::size_t>(pixels) * channels);
}

}  // namespace

LetterboxLayout PlanLetterbox(ImageSize source, const LetterboxOptions& options) {
  HEADROOM_CHECK(source.height > 0 && source.width > 0 && options.canvas.height > 0 &&
                     options.canvas.width > 0 && options.stride > 0,
                 fmt::format("letterbox {}x{} to {}x{}", source.height, source.width,
                             options.canvas.height, options.canvas.width));
  double gain = std::min(static_cast<double>(options.canvas.height) / source.height,
                         static_cast<double>(options.canvas.width) / source.width);
  if (options.enlarge == Enlarge::kNo) gain = std::min(gain, 1.0);
  LetterboxLayout layout;
  layout.gain = gain;
  layout.resized = {std::max(Round(source.height * gain), 1),
                    std::max(Round(source.width * gain), 1)};
  int pad_y = options.canvas.height - layout.resized.height;
  int pad_x = options.canvas.width - layout.resized.width;
  if (options.pad_to == PadTo::kStride) {
    pad_y %= options.stride;
    pad_x %= options.stride;
  }
  // An odd pad puts the extra row below and the extra column on the right.
  layout.top = pad_y / 2;
  layout.left = pad_x / 2;
  layout.canvas = {layout.resized.height + pad_y, layout.resized.width + pad_x};
  return layout;
}

void Letterbox(const ImageView& source, const LetterboxLayout& layout,
               const MutableImageView& canvas) {
  HEADROOM_CHECK(canvas.size() == layout.canvas, "the canvas does not have the planned size");
  const auto [height, width] = layout.resized;
  ResizeBilinear(source, canvas.Crop(layout.top, layout.left, height, width));
  for (int y = 0; y < canvas.height; ++y) {
    std::uint8_t* row = canvas.Row(y);
    if (y < layout.top || y >= layout.top + height) {
      FillPad(row, canvas.width, canvas.channels);
      continue;
    }
    FillPad(row, layout.left, canvas.channels);
    const int right = layout.left + width;
    FillPad(row + std::ptrdiff_t{right} * canvas.channels, canvas.width - right, canvas.channels);
  }
}

}  // namespace headroom
