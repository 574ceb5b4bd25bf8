// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/image.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

namespace headroom {
namespace {

static_assert(!std::is_copy_constructible_v<Image> && !std::is_copy_assignable_v<Image>);
static_assert(std::is_nothrow_move_constructible_v<Image>);

TEST(Image, KeepsItsMemoryWhenItShrinksAndGrowsBack) {
  Image image({40, 30});
  const std::uint8_t* memory = image.data();
  image.Reshape({10, 10}, 1);
  EXPECT_EQ(image.view().row_stride, 10);
  image.Reshape({40, 30});
  EXPECT_EQ(image.data(), memory);
  EXPECT_EQ(image.NumBytes(), Bytes(40 * 30 * 3));
}

TEST(Image, MoveTakesEverythingAndLeavesNothing) {
  Image a({4, 5}, 1);
  a.view().Row(3)[4] = 7;
  Image b({1, 1});
  b = std::move(a);
  EXPECT_EQ(b.size(), (ImageSize{4, 5}));
  EXPECT_EQ(b.channels(), 1);
  EXPECT_EQ(b.view().Row(3)[4], 7);
  EXPECT_EQ(b.NumBytes(), Bytes(20));
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): this is the test
  EXPECT_EQ(a.NumBytes(), Bytes(0));
}

TEST(Image, CloneOfACropIsPacked) {
  Image image({4, 6}, 1);
  for (int i = 0; i < 24; ++i) image.data()[i] = static_cast<std::uint8_t>(i);
  const Image crop = Image::Clone(image.view().Crop(1, 2, 2, 3));
  EXPECT_TRUE(crop.view().packed());
  EXPECT_EQ(crop.view().Row(1)[2], 16);
  EXPECT_THROW((void)image.view().Crop(3, 0, 2, 1), InternalError);
}

TEST(Image, AHugeSizeIsAnErrorNotAWrap) {
  EXPECT_EQ((ImageSize{1 << 30, 1 << 30}.PixelBytes(1)), Bytes(1ULL << 60));
  EXPECT_THROW((void)(ImageSize{1 << 30, 1 << 30}.PixelBytes(32)), InternalError);
}

}  // namespace
}  // namespace headroom
