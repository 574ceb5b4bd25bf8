// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/mixup.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

TEST(MixUp, RatiosAreBeta32) {
  double sum = 0, squares = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double ratio = DrawMixUpRatio(Rng(4).Fork(i));
    sum += ratio;
    squares += ratio * ratio;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 0.5, 0.005);
  EXPECT_NEAR(squares / kDraws - mean * mean, 0.25 / 65, 2e-4);
}

TEST(MixUp, PixelsAreTruncated) {
  Image image({1, 2});
  Image partner({1, 2});
  std::fill_n(image.data(), 6, std::uint8_t{101});
  std::fill_n(partner.data(), 6, std::uint8_t{50});
  MixUpPixels(0.5F, partner.view(), image.view());
  EXPECT_EQ(image.data()[5], 75);  // 75.5
}

TEST(MixUp, BothPicturesObjectsCount) {
  SceneObjects a, b;
  a.objects = {{.class_id = 1, .box = {}, .first_value = 0, .value_count = 2}};
  a.points = {1, 2};
  b.objects = {{.class_id = 2, .box = {}, .first_value = 0, .value_count = 2}};
  b.points = {3, 4};
  AppendAll(b, &a);
  ASSERT_EQ(a.objects.size(), 2U);
  EXPECT_EQ(a.PolygonOf(a.objects[1])[0], 3);
}

}  // namespace
}  // namespace headroom
