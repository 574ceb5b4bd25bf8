// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/resize.h"

#include "headroom/testing/synthetic_dataset.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

namespace headroom {
namespace {

TEST(ResizeBilinear, EqualsOpenCvIntoAStridedBuffer) {
  auto pixels = testing::SyntheticPixels(90, 130, 3);
  const cv::Mat source(90, 130, CV_8UC3, pixels.data());
  for (const ImageSize size :
       {ImageSize{45, 65}, {64, 92}, {200, 131}, {1, 1}, {90, 130}, {180, 260}}) {
    cv::Mat expected;
    cv::resize(source, expected, {size.width, size.height}, 0, 0, cv::INTER_LINEAR);
    Image canvas({size.height + 4, size.width + 6});
    const MutableImageView target = canvas.view().Crop(2, 3, size.height, size.width);
    ResizeBilinear(PackedView(pixels.data(), {90, 130}), target);
    for (int y = 0; y < size.height; ++y) {
      ASSERT_TRUE(std::equal(target.Row(y), target.Row(y) + size.width * 3, expected.ptr(y)))
          << size.height << "x" << size.width << " row " << y;
    }
  }
}

TEST(LoadedSize, HasTheLongSideAskedForAndRoundsTheOtherUp) {
  EXPECT_EQ(LoadedSize({480, 640}, 640), (ImageSize{480, 640}));
  EXPECT_EQ(LoadedSize({333, 500}, 640), (ImageSize{427, 640}));  // 426.24
  EXPECT_EQ(LoadedSize({1080, 810}, 640), (ImageSize{640, 480}));
  EXPECT_EQ(LoadedSize({10, 3000}, 320), (ImageSize{2, 320}));  // 1.07
  EXPECT_EQ(LoadedSize({20, 10}, 640), (ImageSize{640, 320}));  // Small images are enlarged.
}

}  // namespace
}  // namespace headroom
