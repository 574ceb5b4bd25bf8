// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/letterbox.h"

#include "headroom/testing/synthetic_dataset.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

namespace headroom {
namespace {

TEST(PlanLetterbox, GivesTheSizesThatTheReferencePrints) {
  const LetterboxOptions to_stride{.canvas = {640, 640}, .pad_to = PadTo::kStride};
  EXPECT_EQ(PlanLetterbox({1080, 810}, to_stride).canvas, (ImageSize{640, 480}));
  const LetterboxLayout wide = PlanLetterbox({333, 500}, to_stride);
  EXPECT_EQ(wide.canvas, (ImageSize{448, 640}));
  EXPECT_EQ(wide.top, 11);
  EXPECT_EQ(wide.resized, (ImageSize{426, 640}));  // Rows 11 to 437.
  const LetterboxLayout full = PlanLetterbox({375, 500}, {.canvas = {640, 640}});
  EXPECT_EQ(full.canvas, (ImageSize{640, 640}));
  EXPECT_EQ(full.top, 80);
  EXPECT_EQ(full.resized.height, 480);
}

TEST(PlanLetterbox, DoesNotEnlargeWhenToldNot) {
  const LetterboxLayout layout =
      PlanLetterbox({100, 200}, {.canvas = {320, 640}, .enlarge = Enlarge::kNo});
  EXPECT_EQ(layout.gain, 1);
  EXPECT_EQ(layout.resized, (ImageSize{100, 200}));
  EXPECT_EQ(layout.top, 110);
  EXPECT_EQ(layout.left, 220);
}

TEST(PlanLetterbox, AnOddPadHasItsExtraPixelBelowAndRight) {
  const LetterboxLayout layout = PlanLetterbox({5, 10}, {.canvas = {10, 10}});
  EXPECT_EQ(layout.top, 2);
  EXPECT_EQ(layout.canvas.height - layout.top - layout.resized.height, 3);
}

TEST(PlanLetterbox, KeepsAtLeastOnePixel) {
  EXPECT_EQ(PlanLetterbox({1, 4000}, {.canvas = {640, 640}}).resized, (ImageSize{1, 640}));
}

TEST(Letterbox, EqualsResizeAndCopyMakeBorder) {
  auto pixels = testing::SyntheticPixels(77, 131, 5);
  const cv::Mat source(77, 131, CV_8UC3, pixels.data());
  const LetterboxLayout layout = PlanLetterbox({77, 131}, {.canvas = {160, 192}});
  cv::Mat expected;
  cv::resize(source, expected, {layout.resized.width, layout.resized.height}, 0, 0,
             cv::INTER_LINEAR);
  const int bottom = 160 - layout.top - layout.resized.height;
  const int right = 192 - layout.left - layout.resized.width;
  cv::copyMakeBorder(expected, expected, layout.top, bottom, layout.left, right,
                     cv::BORDER_CONSTANT, cv::Scalar::all(114));
  Image canvas({160, 192});
  Letterbox(PackedView(pixels.data(), {77, 131}), layout, canvas.view());
  EXPECT_TRUE(std::equal(canvas.data(), canvas.data() + 160 * 192 * 3, expected.data));
}

}  // namespace
}  // namespace headroom
