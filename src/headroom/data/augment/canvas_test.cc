// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/canvas.h"

#include "headroom/image/letterbox.h"

#include <gtest/gtest.h>

#include <vector>

namespace headroom {
namespace {

Image Filled(ImageSize size, std::uint8_t value) {
  Image image(size);
  std::fill_n(image.data(), static_cast<std::size_t>(size.height) * size.width * 3, value);
  return image;
}

TEST(MosaicCanvas, PlaceCropsAtTheBorder) {
  const Image image = Filled({4, 6}, 9);
  MosaicCanvas canvas{.height = 8, .width = 8};
  canvas.Place(image.view(), -2, 6);
  ASSERT_EQ(canvas.tile_count, 1);
  EXPECT_EQ(canvas.tiles[0].x, 0);
  EXPECT_EQ(canvas.tiles[0].pixels.width, 4);
  EXPECT_EQ(canvas.tiles[0].pixels.height, 2);
  EXPECT_EQ(canvas.tiles[0].pixels.data, image.data() + 6);
}

TEST(MosaicCanvas, WhatLiesOutsideIsNoTile) {
  const Image image = Filled({4, 6}, 9);
  MosaicCanvas canvas{.height = 8, .width = 8};
  canvas.Place(image.view(), 8, 0);
  EXPECT_EQ(canvas.tile_count, 0);
}

TEST(MosaicCanvas, PixelsAgreeWithTheDrawnCanvas) {
  const Image a = Filled({5, 5}, 1);
  const Image b = Filled({3, 7}, 2);
  MosaicCanvas canvas{.height = 10, .width = 9};
  canvas.Place(a.view(), -1, 2);
  canvas.Place(b.view(), 4, 1);
  Image drawn({10, 9});
  DrawCanvas(canvas, drawn.view());
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 9; ++x) EXPECT_EQ(*canvas.Pixel(x, y), drawn.view().Row(y)[3 * x]);
  }
  EXPECT_EQ(*canvas.Pixel(-1, 0), kPadValue);
  EXPECT_EQ(*canvas.Pixel(8, 9), kPadValue);
}

}  // namespace
}  // namespace headroom
