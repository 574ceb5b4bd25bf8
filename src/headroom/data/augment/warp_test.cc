// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/warp.h"

#include "headroom/core/rng.h"
#include "headroom/image/letterbox.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

// Noise on smooth shapes; its buffer ends with its last pixel.
struct TestImage {
  std::vector<std::uint8_t> bytes;
  ImageSize size;

  TestImage(int height, int width, std::uint64_t seed) : size{height, width} {
    Rng rng(seed);
    bytes.resize(static_cast<std::size_t>(height) * width * 3);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width * 3; ++x) {
        const double wave =
            100 + 60 * std::sin(0.1 * x + static_cast<double>(seed)) + 40 * std::cos(0.13 * y);
        bytes[static_cast<std::size_t>(y) * width * 3 + x] =
            static_cast<std::uint8_t>(std::clamp(wave + rng.Uniform(-50, 50), 0.0, 255.0));
      }
    }
  }
  [[nodiscard]] ImageView view() const { return PackedView(bytes.data(), size); }
};

Image Warp(const MosaicCanvas& canvas, const Matrix3& m, ImageSize output, Flip flip) {
  Image out(output);
  CanvasWarp warp;
  warp.Prepare(canvas, m, output, flip);
  for (int y = 0; y < output.height; ++y) warp.Row(y, out.view().Row(y));
  return out;
}

Image WarpByOpenCv(const MosaicCanvas& canvas, const Matrix3& m, ImageSize output, Flip flip) {
  Image drawn(ImageSize{canvas.height, canvas.width});
  DrawCanvas(canvas, drawn.view());
  const cv::Mat from(canvas.height, canvas.width, CV_8UC3, drawn.data());
  const cv::Scalar pad(kPadValue, kPadValue, kPadValue);
  const cv::Size size(output.width, output.height);
  cv::Mat matrix(3, 3, CV_64F, const_cast<double*>(m.m.data()));
  cv::Mat to;
  if (m.IsAffine()) {
    cv::warpAffine(from, to, matrix.rowRange(0, 2), size, cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                   pad);
  } else {
    cv::warpPerspective(from, to, matrix, size, cv::INTER_LINEAR, cv::BORDER_CONSTANT, pad);
  }
  if (flip.vertical) cv::flip(to, to, 0);
  if (flip.horizontal) cv::flip(to, to, 1);
  return Image::Clone(PackedView(to.data, output));
}

int MaxDifference(const Image& a, const Image& b) {
  int worst = 0;
  for (int i = 0; i < a.height() * a.width() * 3; ++i)
    worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
  return worst;
}

struct Mosaic {
  std::vector<TestImage> images;
  MosaicCanvas canvas;

  explicit Mosaic(Rng rng) {
    const int s = 96;
    canvas.height = canvas.width = 2 * s;
    for (std::uint64_t i = 0; i < 4; ++i) {
      images.emplace_back(static_cast<int>(rng.Integer(3, s)), static_cast<int>(rng.Integer(3, s)),
                          i);
    }
    const int x = static_cast<int>(rng.Integer(s / 2, 3 * s / 2));
    const int y = static_cast<int>(rng.Integer(s / 2, 3 * s / 2));
    canvas.Place(images[0].view(), x - images[0].size.width, y - images[0].size.height);
    canvas.Place(images[1].view(), x, y - images[1].size.height);
    canvas.Place(images[2].view(), x - images[2].size.width, y);
    canvas.Place(images[3].view(), x, y);
  }
};

TEST(CanvasWarp, ZoomAndShiftOfAMosaicIsOpenCvsToTheByte) {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    Rng rng = Rng(11).Fork(trial);
    const Mosaic mosaic(rng.Fork(1));
    const ImageSize output{static_cast<int>(rng.Integer(1, 120)),
                           static_cast<int>(rng.Integer(1, 120))};
    const Matrix3 m =
        AugmentationMatrix({.zoom = rng.Uniform(0.3, 2.5),
                            .centre_x = rng.Uniform(0.2, 0.8),
                            .centre_y = rng.Uniform(0.2, 0.8)},
                           mosaic.canvas.height, mosaic.canvas.width, output.height, output.width);
    const Flip flip{.horizontal = rng.Chance(0.5), .vertical = rng.Chance(0.5)};
    EXPECT_EQ(MaxDifference(Warp(mosaic.canvas, m, output, flip),
                            WarpByOpenCv(mosaic.canvas, m, output, flip)),
              0)
        << trial;
  }
}

TEST(CanvasWarp, RotationAndShearOfAMosaicIsOpenCvsToTheByte) {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    Rng rng = Rng(12).Fork(trial);
    const Mosaic mosaic(rng.Fork(1));
    const ImageSize output{100, 110};
    const Matrix3 m = AugmentationMatrix({.rotation_degrees = rng.Uniform(-180, 180),
                                          .zoom = rng.Uniform(0.3, 2.5),
                                          .shear_x_degrees = rng.Uniform(-20, 20),
                                          .shear_y_degrees = rng.Uniform(-20, 20)},
                                         mosaic.canvas.height, mosaic.canvas.width, 100, 110);
    const Flip flip{.horizontal = rng.Chance(0.5), .vertical = rng.Chance(0.5)};
    EXPECT_EQ(MaxDifference(Warp(mosaic.canvas, m, output, flip),
                            WarpByOpenCv(mosaic.canvas, m, output, flip)),
              0)
        << trial;
  }
}

TEST(CanvasWarp, PerspectiveIsWithinOneOfOpenCv) {
  for (std::uint64_t trial = 0; trial < 20; ++trial) {
    Rng rng = Rng(13).Fork(trial);
    const Mosaic mosaic(rng.Fork(1));
    const Matrix3 m = AugmentationMatrix({.perspective_x = rng.Uniform(-0.001, 0.001),
                                          .perspective_y = rng.Uniform(-0.001, 0.001),
                                          .rotation_degrees = rng.Uniform(-20, 20),
                                          .zoom = rng.Uniform(0.5, 1.5)},
                                         mosaic.canvas.height, mosaic.canvas.width, 100, 100);
    const Flip flip{.horizontal = rng.Chance(0.5)};
    EXPECT_LE(MaxDifference(Warp(mosaic.canvas, m, {100, 100}, flip),
                            WarpByOpenCv(mosaic.canvas, m, {100, 100}, flip)),
              1)
        << trial;
  }
}

TEST(CanvasWarp, NearlyUprightMatricesAndHugeZoomsAreExact) {
  for (const double degrees : {0.0, 1e-5, 0.01, 90.0, 180.0}) {
    for (const double zoom : {0.02, 1.0, 40.0}) {
      const Mosaic mosaic{Rng(14)};
      const Matrix3 m =
          AugmentationMatrix({.rotation_degrees = degrees, .zoom = zoom}, 192, 192, 96, 96);
      EXPECT_EQ(MaxDifference(Warp(mosaic.canvas, m, {96, 96}, {}),
                              WarpByOpenCv(mosaic.canvas, m, {96, 96}, {})),
                0)
          << degrees << " degrees, zoom " << zoom;
    }
  }
}

TEST(CanvasWarp, AnImageAloneIsItsOwnCanvas) {
  const TestImage image(53, 71, 3);
  const MosaicCanvas canvas = MosaicCanvas::Of(image.view());
  const Matrix3 m = AugmentationMatrix({.zoom = 1.3, .centre_x = 0.45}, 53, 71, 64, 64);
  EXPECT_EQ(MaxDifference(Warp(canvas, m, {64, 64}, {}), WarpByOpenCv(canvas, m, {64, 64}, {})), 0);
}

TEST(CanvasWarp, TheIdentityCopies) {
  const TestImage image(53, 71, 3);
  const Image out = Warp(MosaicCanvas::Of(image.view()), Matrix3{}, image.size, {});
  EXPECT_TRUE(std::equal(out.data(), out.data() + 53 * 71 * 3, image.bytes.begin()));
}

TEST(CanvasWarp, EveryVectorTargetGivesTheSameBytes) {
  const Mosaic mosaic{Rng(15)};
  const Matrix3 m = AugmentationMatrix({.rotation_degrees = 12, .zoom = 0.8}, 192, 192, 96, 97);
  const Image expected = Warp(mosaic.canvas, m, {96, 97}, {});
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    EXPECT_EQ(MaxDifference(Warp(mosaic.canvas, m, {96, 97}, {}), expected), 0)
        << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace
}  // namespace headroom
