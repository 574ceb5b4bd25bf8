// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/copy_paste.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

// A picture whose left half is 10 and right half 20, with objects given as rectangles.
struct Picture {
  Image image{ImageSize{10, 20}};
  SceneObjects objects;

  Picture() {
    for (int y = 0; y < 10; ++y) {
      std::fill_n(image.view().Row(y), 30, std::uint8_t{10});
      std::fill_n(image.view().Row(y) + 30, 30, std::uint8_t{20});
    }
  }
  void Add(int class_id, Xyxy b) {
    objects.objects.push_back({.class_id = class_id,
                               .box = b,
                               .first_value = static_cast<std::uint32_t>(objects.points.size()),
                               .value_count = 8});
    for (const float v : {b.x1, b.y1, b.x2, b.y1, b.x2, b.y2, b.x1, b.y2})
      objects.points.push_back(v);
  }
};

TEST(CopyPaste, PastesTheMirrorImage) {
  Picture picture;
  picture.Add(5, {1, 2, 4, 5});
  CopyPaste copy_paste;
  copy_paste.PasteMirrored(1, picture.image.view(), &picture.objects);
  ASSERT_EQ(picture.objects.objects.size(), 2U);
  EXPECT_EQ(picture.objects.objects[1].class_id, 5);
  EXPECT_EQ(picture.objects.objects[1].box, (Xyxy{16, 2, 19, 5}));
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 20; ++x) {
      const bool pasted = x >= 16 && x < 19 && y >= 2 && y < 5;
      EXPECT_EQ(picture.image.view().Row(y)[3 * x], x < 10 || pasted ? 10 : 20) << x << ',' << y;
    }
  }
}

TEST(CopyPaste, WhatWouldHideAnotherObjectStays) {
  Picture picture;
  picture.Add(0, {1, 2, 4, 5});
  picture.Add(1, {15, 1, 19, 6});  // The first one's mirror image would cover 45 % of it.
  CopyPaste copy_paste;
  copy_paste.PasteMirrored(1, picture.image.view(), &picture.objects);
  // The second one's mirror image hides all of the first.
  EXPECT_EQ(picture.objects.objects.size(), 2U);
}

TEST(CopyPaste, TheShareOfTheCandidatesIsRounded) {
  for (const auto& [share, expected] :
       {std::pair{0.5, 2}, std::pair{0.2, 1}, std::pair{0.0, 0}, std::pair{1.0, 4}}) {
    Picture picture;
    for (int i = 0; i < 4; ++i)
      picture.Add(i, {1, 2.F * static_cast<float>(i), 3, 2.F * static_cast<float>(i) + 1});
    CopyPaste copy_paste;
    copy_paste.PasteMirrored(share, picture.image.view(), &picture.objects);
    EXPECT_EQ(picture.objects.objects.size(), 4U + static_cast<std::size_t>(expected)) << share;
  }
}

TEST(CopyPaste, BoxesWithoutPolygonsAreNeverPasted) {
  Picture picture;
  picture.objects.objects = {{.class_id = 0, .box = {1, 2, 4, 5}}};
  CopyPaste copy_paste;
  copy_paste.PasteMirrored(1, picture.image.view(), &picture.objects);
  EXPECT_EQ(picture.objects.objects.size(), 1U);
}

}  // namespace
}  // namespace headroom
