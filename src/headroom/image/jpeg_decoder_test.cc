// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/jpeg_decoder.h"

#include "headroom/testing/synthetic_dataset.h"

#include <gmock/gmock.h>
#include <opencv2/imgproc.hpp>

namespace headroom {
namespace {

TEST(JpegDecoder, TheScaleIsTheSmallestThatIsLargeEnough) {
  EXPECT_EQ(JpegDecoder::ScaledSize({3000, 4000}, 640), (ImageSize{750, 1000}));
  EXPECT_EQ(JpegDecoder::ScaledSize({3000, 4000}, 500), (ImageSize{375, 500}));
  EXPECT_EQ(JpegDecoder::ScaledSize({3000, 4000}, 501), (ImageSize{750, 1000}));
  EXPECT_EQ(JpegDecoder::ScaledSize({480, 640}, 640), (ImageSize{480, 640}));
  EXPECT_EQ(JpegDecoder::ScaledSize({480, 640}, 6400), (ImageSize{480, 640}));
  EXPECT_EQ(JpegDecoder::ScaledSize({480, 640}, 0), (ImageSize{480, 640}));
  EXPECT_EQ(JpegDecoder::ScaledSize({9, 17}, 1), (ImageSize{2, 3}));  // Rounded up, never 0.
}

TEST(JpegDecoder, AScaledDecodeLooksLikeTheResizedPicture) {
  auto pixels = testing::SyntheticPixels(240, 320, 2);
  cv::Mat source(240, 320, CV_8UC3, pixels.data());
  cv::GaussianBlur(source, source, {9, 9}, 4);
  const auto file = testing::EncodeImage(pixels, 240, 320, "jpg");
  JpegDecoder decoder;
  const ImageSize size = JpegDecoder::ScaledSize({240, 320}, 100);
  ASSERT_EQ(size, (ImageSize{90, 120}));
  Image image(size);
  ASSERT_TRUE(
      decoder.Decode(file, ColorOrder::kBgr, JpegDecoder::Truncation::kRefuse, image.view()).ok());
  cv::Mat expected;
  cv::resize(source, expected, {120, 90}, 0, 0, cv::INTER_AREA);
  const cv::Mat got(90, 120, CV_8UC3, image.data());
  EXPECT_LT(cv::norm(got, expected, cv::NORM_L1) / (90 * 120 * 3), 3);
}

TEST(JpegDecoder, RefusesWhatIsNoJpeg) {
  JpegDecoder decoder;
  const std::vector<std::uint8_t> file(100, 7);
  EXPECT_FALSE(decoder.ReadHeader(file).ok());
  Image image({8, 8});
  const Status status =
      decoder.Decode(file, ColorOrder::kRgb, JpegDecoder::Truncation::kAccept, image.view());
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error(), ::testing::HasSubstr("broken JPEG"));
}

}  // namespace
}  // namespace headroom
