// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/map_boxes.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace headroom {
namespace {

TEST(LetterboxSourceMap, CentresTheScaledImage) {
  const SourceMap map = LetterboxSourceMap(640, 480, 320, 320);
  EXPECT_EQ(map.scale_x, 0.5F);
  EXPECT_EQ(map.scale_y, 0.5F);
  EXPECT_EQ(map.pad_x, 0);
  EXPECT_EQ(map.pad_y, 40);
}

TEST(LetterboxSourceMap, PutsAnOddPixelBehindTheImage) {
  // 500 x 333 -> 320 x 213; 107 rows are left: 53 above, 54 below.
  const SourceMap map = LetterboxSourceMap(500, 333, 320, 320);
  EXPECT_EQ(map.pad_y, 53);
  EXPECT_FLOAT_EQ(map.scale_x, 0.64F);
  EXPECT_FLOAT_EQ(map.scale_y, 213.0F / 333.0F);
}

TEST(LetterboxSourceMap, RoundsEachAxisOfALongImage) {
  // As Ultralytics 8.4.190 maps this size (its boxes agree to the last bit).
  const SourceMap map = LetterboxSourceMap(333, 37, 320, 64);
  EXPECT_FLOAT_EQ(map.scale_x, 320.0F / 333.0F);
  EXPECT_FLOAT_EQ(map.scale_y, 36.0F / 37.0F);
  EXPECT_EQ(map.pad_x, 0);
  EXPECT_EQ(map.pad_y, 14);
}

TEST(MapToSource, UndoesTheLetterbox) {
  const SourceMap map = LetterboxSourceMap(500, 333, 320, 320);
  const Xyxy box = MapToSource(Xyxy{0, 53, 320, 53 + 213}, map);
  EXPECT_FLOAT_EQ(box.x1, 0);
  EXPECT_FLOAT_EQ(box.y1, 0);
  EXPECT_FLOAT_EQ(box.x2, 500);
  EXPECT_FLOAT_EQ(box.y2, 333);
}

TEST(MapToSource, ClipsToTheImage) {
  std::array detections = {Detection{{-5, 30, 400, 310}, 0.5F, 1}};
  MapToSource(detections, LetterboxSourceMap(640, 480, 320, 320));
  EXPECT_EQ(detections[0].box, (Xyxy{0, 0, 640, 480}));
  EXPECT_EQ(MapToSource(Xyxy{NAN, NAN, NAN, NAN}, {10, 10, 1, 1, 0, 0}), (Xyxy{0, 0, 0, 0}));
}

}  // namespace
}  // namespace headroom
