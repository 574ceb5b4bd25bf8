// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image_writer.h"

#include "headroom/core/error.h"
#include "headroom/image/image_decoder.h"

#include <gmock/gmock.h>

#include <array>
#include <span>

namespace headroom {
namespace {

// The top left pixel after a round trip, in RGB.
std::array<int, 3> RoundTrip(const ImageView& image, ColorOrder order, int quality) {
  const EncodedJpeg jpeg = EncodeJpeg(image, order, quality);
  EXPECT_LE(jpeg.size, EncodedJpegBound(image.size()).count());
  ImageDecoder decoder;
  Image decoded;
  const auto info =
      decoder.Decode(std::span(jpeg.data.get(), jpeg.size), {.order = ColorOrder::kRgb}, &decoded);
  EXPECT_TRUE(info.ok());
  EXPECT_EQ(decoded.size(), image.size());
  return {decoded.data()[0], decoded.data()[1], decoded.data()[2]};
}

void ExpectNear(const std::array<int, 3>& got, const std::array<int, 3>& expected) {
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(got[i], expected[i], 3) << i;
}

TEST(JpegWriterTest, KeepsColoursOfThreeAndFourChannelsInBothOrders) {
  std::array<std::uint8_t, 16 * 16 * 4> pixels{};
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = std::array<std::uint8_t, 4>{200, 100, 30, 7}[i % 4];
  }
  const ImageView four = PackedView(pixels.data(), {16, 16}, 4);
  ExpectNear(RoundTrip(four, ColorOrder::kRgb, 95), {200, 100, 30});
  ExpectNear(RoundTrip(four, ColorOrder::kBgr, 95), {30, 100, 200});
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = std::array<std::uint8_t, 3>{200, 100, 30}[i % 3];
  }
  const ImageView three = PackedView(pixels.data(), {16, 16}, 3);
  ExpectNear(RoundTrip(three, ColorOrder::kRgb, 80), {200, 100, 30});
  ExpectNear(RoundTrip(three, ColorOrder::kBgr, 80), {30, 100, 200});
}

TEST(JpegWriterTest, ReadsRowsThatAreApart) {
  Image image({20, 40});
  for (int i = 0; i < 20 * 40 * 3; ++i) image.data()[i] = i % 120 < 60 ? 10 : 240;
  const MutableImageView right = image.view().Crop(0, 20, 20, 20);
  ExpectNear(RoundTrip(right, ColorOrder::kRgb, 95), {240, 240, 240});
}

TEST(JpegWriterTest, AnEmptyImageIsOurBug) {
  EXPECT_THROW(static_cast<void>(EncodeJpeg({}, ColorOrder::kRgb, 90)), InternalError);
}

}  // namespace
}  // namespace headroom
