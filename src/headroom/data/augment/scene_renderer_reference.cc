// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/scene_renderer.h"
#include "headroom/image/letterbox.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace headroom {
namespace {

// Source coordinates of an output pixel in 1/32 px, rounded as OpenCV 4.6 does it.
std::array<std::int64_t, 2> SourceOf(const Matrix3& canvas_from_output, int x, int y) {
  static constexpr double kFar = 1 << 28;
  const auto round = [](double value) {
    return static_cast<std::int64_t>(std::nearbyint(std::clamp(value, -kFar, kFar)));
  };
  const auto& m = canvas_from_output.m;
  if (canvas_from_output.IsAffine()) {
    const auto axis = [&](double mx, double my, double m1) {
      return (round((my * y + m1) * 1024) + 16 + round(mx * x * 1024)) >> 5;
    };
    return {axis(m[0], m[1], m[2]), axis(m[3], m[4], m[5])};
  }
  const double w = m[6] * x + m[7] * y + m[8];
  const double scale = w == 0 ? 0 : 32 / w;
  return {round((m[0] * x + m[1] * y + m[2]) * scale), round((m[3] * x + m[4] * y + m[5]) * scale)};
}

void SampleBilinear(const Image& image, std::int64_t x32, std::int64_t y32, std::uint8_t* out) {
  const std::int64_t x = x32 >> 5;
  const std::int64_t y = y32 >> 5;
  const auto value = [&](std::int64_t px, std::int64_t py, int c) -> int {
    if (px < 0 || py < 0 || px >= image.width() || py >= image.height()) return kPadValue;
    return image.view().Row(static_cast<int>(py))[3 * px + c];
  };
  const int right = static_cast<int>(x32 & 31);
  const int down = static_cast<int>(y32 & 31);
  for (int c = 0; c < 3; ++c) {
    const int sum =
        (32 - right) * (32 - down) * value(x, y, c) + right * (32 - down) * value(x + 1, y, c) +
        (32 - right) * down * value(x, y + 1, c) + right * down * value(x + 1, y + 1, c);
    out[c] = static_cast<std::uint8_t>((sum + 512) >> 10);
  }
}

class ReferenceRenderer : public SceneRenderer {
 public:
  void Render(const MosaicCanvas& canvas, const Matrix3& output_from_canvas, Flip flip,
              const ColourPlan& colours, const MutableImageView& out) override {
    drawn_.Reshape({canvas.height, canvas.width});
    DrawCanvas(canvas, drawn_.view());
    Matrix3 canvas_from_output = output_from_canvas.Inverse();
    if (canvas_from_output.IsAffine()) {
      for (double& value : canvas_from_output.m) value /= canvas_from_output.m[8];
    }
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        const auto [x32, y32] = SourceOf(canvas_from_output, x, y);
        SampleBilinear(drawn_, x32, y32, out.Row(y) + std::ptrdiff_t{3} * x);
      }
    }
    FlipPixels(flip, out);
    Recolour(colours, out);
  }

  void Recolour(const ColourPlan& colours, const MutableImageView& image) override {
    for (int y = 0; y < image.height; ++y) {
      JitterHsvReference(colours.hsv, image.Row(y), image.width);
      for (int x = 0; colours.to_bgr && x < image.width; ++x) {
        std::swap(image.Row(y)[3 * x], image.Row(y)[3 * x + 2]);
      }
    }
  }

 private:
  Image drawn_;
};

}  // namespace

std::unique_ptr<SceneRenderer> MakeReferenceRenderer() {
  return std::make_unique<ReferenceRenderer>();
}

}  // namespace headroom
