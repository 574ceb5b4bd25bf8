// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/hsv.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

// Every colour there is.
std::vector<std::uint8_t> AllColours() {
  std::vector<std::uint8_t> rgb(std::size_t{3} << 24);
  for (std::uint32_t i = 0; i < 1U << 24; ++i) {
    rgb[3 * i] = static_cast<std::uint8_t>(i);
    rgb[3 * i + 1] = static_cast<std::uint8_t>(i >> 8);
    rgb[3 * i + 2] = static_cast<std::uint8_t>(i >> 16);
  }
  return rgb;
}

int MaxDifference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  int worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

std::vector<std::uint8_t> ByOpenCv(const HsvJitter& jitter, std::vector<std::uint8_t> rgb) {
  cv::Mat image(1 << 12, static_cast<int>(rgb.size() / 3) >> 12, CV_8UC3, rgb.data());
  cv::Mat hsv;
  cv::cvtColor(image, hsv, cv::COLOR_RGB2HSV);
  cv::Mat table(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    const double hue = std::fmod(i + double{jitter.hue_shift} + 180, 180);
    table.at<cv::Vec3b>(i) = {
        static_cast<std::uint8_t>(hue),
        static_cast<std::uint8_t>(std::clamp(i * double{jitter.saturation_gain}, 0.0, 255.0)),
        static_cast<std::uint8_t>(std::clamp(i * double{jitter.value_gain}, 0.0, 255.0))};
  }
  cv::LUT(hsv, table, hsv);
  cv::cvtColor(hsv, image, cv::COLOR_HSV2RGB);
  return rgb;
}

class HsvJitters : public ::testing::TestWithParam<HsvJitter> {};

TEST_P(HsvJitters, EveryColourIsWithinOneOfOpenCv) {
  std::vector<std::uint8_t> ours = AllColours();
  const std::vector<std::uint8_t> theirs = ByOpenCv(GetParam(), ours);
  JitterHsv(GetParam(), ours.data(), 1 << 24);
  EXPECT_LE(MaxDifference(ours, theirs), 1);
}

TEST_P(HsvJitters, EveryVectorTargetGivesTheBytesOfTheTwin) {
  // A fifth of all colours: the twin is slow.
  std::vector<std::uint8_t> colours = AllColours();
  constexpr int kPixels = (1 << 24) / 5;
  for (std::size_t i = 0; i < kPixels; ++i) std::copy_n(&colours[15 * i], 3, &colours[3 * i]);
  colours.resize(std::size_t{3} * kPixels);
  std::vector<std::uint8_t> expected = colours;
  JitterHsvReference(GetParam(), expected.data(), kPixels);
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    std::vector<std::uint8_t> ours = colours;
    JitterHsv(GetParam(), ours.data(), kPixels);
    EXPECT_TRUE(ours == expected) << hwy::TargetName(target) << ", worst difference "
                                  << MaxDifference(ours, expected);
  }
  hwy::SetSupportedTargetsForTest(0);
}

INSTANTIATE_TEST_SUITE_P(Gains, HsvJitters,
                         ::testing::Values(HsvJitter{0, 1, 1.25F}, HsvJitter{2.5F, 1.6875F, 0.625F},
                                           HsvJitter{-2.6F + 0.6F, 0.3125F, 1.375F},
                                           HsvJitter{-180, 2, 2}, HsvJitter{97.125F, 0, 1}));

TEST(Hsv, TheIdentityTouchesNothing) {
  std::vector<std::uint8_t> colours = AllColours();
  JitterHsv({}, colours.data(), 1 << 24);
  EXPECT_TRUE(colours == AllColours());
}

TEST(Hsv, ShortRowsAreNotOverrun) {
  for (int pixels = 0; pixels < 40; ++pixels) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(pixels) * 3 + 1, 200);
    row.back() = 77;
    JitterHsv({0, 1, 0.5F}, row.data(), pixels);
    EXPECT_EQ(row.back(), 77);
    for (int i = 0; i < pixels * 3; ++i) ASSERT_EQ(row[static_cast<std::size_t>(i)], 100);
  }
}

TEST(Hsv, DrawsAreUniformOverTheRange) {
  AugmentOptions options;  // 0.015, 0.7, 0.4.
  double sum_s = 0, sum_v = 0, low_s = 9, high_s = 0, high_h = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const HsvJitter jitter = DrawHsvJitter(Rng(5).Fork(i), options);
    sum_s += jitter.saturation_gain;
    sum_v += jitter.value_gain;
    low_s = std::min<double>(low_s, jitter.saturation_gain);
    high_s = std::max<double>(high_s, jitter.saturation_gain);
    high_h = std::max<double>(high_h, std::abs(jitter.hue_shift));
  }
  EXPECT_NEAR(sum_s / kDraws, 1, 0.01);
  EXPECT_NEAR(sum_v / kDraws, 1, 0.01);
  EXPECT_NEAR(low_s, 0.3, 0.001);
  EXPECT_NEAR(high_s, 1.7, 0.001);
  EXPECT_NEAR(high_h, 2.7, 0.01);
}

TEST(Hsv, OptionsOfZeroAreTheIdentity) {
  AugmentOptions options;
  options.hsv_h = options.hsv_s = options.hsv_v = 0;
  EXPECT_TRUE(DrawHsvJitter(Rng(1), options).IsIdentity());
}

}  // namespace
}  // namespace headroom
