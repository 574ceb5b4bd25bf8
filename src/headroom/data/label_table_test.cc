// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/label_table.h"

#include "headroom/core/rng.h"

#include <gmock/gmock.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;

LabelRows Rows(const std::vector<std::vector<std::int32_t>>& images, bool polygons = false) {
  LabelRows rows;
  for (const auto& classes : images) {
    rows.boxes_per_image.push_back(static_cast<std::uint32_t>(classes.size()));
    for (const std::int32_t id : classes) {
      rows.class_ids.push_back(id);
      rows.boxes.push_back({static_cast<float>(id), 0, 0, 0});
      rows.floats_per_polygon.push_back(polygons ? 6 : 0);
      if (polygons) rows.points.insert(rows.points.end(), 6, static_cast<float>(id));
    }
  }
  return rows;
}

LabelTable Table(const std::vector<std::vector<std::int32_t>>& images, bool polygons = false) {
  LabelTableBuilder builder;
  builder.Append(Rows(images, polygons));
  return builder.Build();
}

std::vector<std::int32_t> ClassesOf(const LabelView& view, std::size_t image) {
  std::vector<LabelBox> boxes;
  view.Append(image, &boxes);
  std::vector<std::int32_t> ids;
  for (const LabelBox& box : boxes) ids.push_back(box.class_id);
  return ids;
}

TEST(LabelTable, HoldsWhatWasAppendedInParts) {
  LabelTableBuilder builder;
  builder.Append(Rows({{3, 1}, {}}));
  builder.Append(Rows({{2}}));
  const LabelTable table = builder.Build();
  EXPECT_EQ(table.image_count(), 3U);
  EXPECT_EQ(table.box_count(), 3U);
  const LabelView view(table, {});
  EXPECT_THAT(ClassesOf(view, 0), ElementsAre(3, 1));
  EXPECT_THAT(ClassesOf(view, 1), ElementsAre());
  EXPECT_THAT(ClassesOf(view, 2), ElementsAre(2));
  EXPECT_EQ(view.MaxCount(), 2U);
  EXPECT_EQ(table.max_class(), 3);
}

TEST(LabelTable, ClassIdsTakeTheSmallestIntegerThatFits) {
  const Bytes narrow = Table({{255, 0}}).NumBytes();
  EXPECT_EQ(Table({{256, 0}}).NumBytes(), narrow + Bytes(2));
  EXPECT_EQ(Table({{65536, 0}}).NumBytes(), narrow + Bytes(6));
  for (const std::int32_t id : {0, 255, 256, 65535, 65536, 2147483647}) {
    EXPECT_EQ(Table({{id, 7}}).class_id(0), id);
    EXPECT_EQ(Table({{id, 7}}).class_id(1), 7);
  }
}

TEST(LabelView, SingleClassAndClassesAreViews) {
  const LabelTable table = Table({{3, 1, 2}, {2}});
  const Bytes before = table.NumBytes();
  const LabelView single(table, {.single_class = true, .only_classes = {}});
  EXPECT_THAT(ClassesOf(single, 0), ElementsAre(0, 0, 0));
  const LabelView some(table, {.single_class = false, .only_classes = {3, 1}});
  EXPECT_THAT(ClassesOf(some, 0), ElementsAre(3, 1));
  EXPECT_EQ(some.Count(1), 0U);
  EXPECT_EQ(some.TotalCount(), 2U);
  const LabelView both(table, {.single_class = true, .only_classes = {2}});
  EXPECT_THAT(ClassesOf(both, 0), ElementsAre(0));
  EXPECT_EQ(table.NumBytes(), before);
}

TEST(LabelTable, PolygonsAreKeptOnlyWhenEveryBoxHasOne) {
  const LabelTable table = Table({{1}, {2, 3}}, true);
  ASSERT_TRUE(table.has_polygons());
  EXPECT_THAT(table.polygon(2), ElementsAre(3, 3, 3, 3, 3, 3));
  LabelTableBuilder builder;
  builder.Append(Rows({{1}}, true));
  EXPECT_FALSE(builder.MixesPolygons());
  builder.Append(Rows({{2}}, false));
  EXPECT_TRUE(builder.MixesPolygons());
  const LabelTable mixed = builder.Build();
  EXPECT_FALSE(mixed.has_polygons());
  EXPECT_TRUE(mixed.polygon(0).empty());
}

TEST(LabelTable, TruncationAndRemovalKeepTheRest) {
  LabelTable table = Table({{1}, {}, {2, 3}, {4}}, true);
  table.RemoveEmptyImages({true, false, true, true});
  EXPECT_EQ(table.image_count(), 3U);
  EXPECT_EQ(table.class_id(table.first(1)), 2);
  table.TruncateImages(2);
  EXPECT_EQ(table.box_count(), 3U);
  EXPECT_THAT(table.polygon(2), ElementsAre(3, 3, 3, 3, 3, 3));
}

TEST(LabelTable, AMillionImagesTakeWhatWasDeclaredAndLessThan150Megabytes) {
  LabelTableBuilder builder;
  for (int part = 0; part < 1000; ++part) {
    LabelRows rows;
    rows.boxes_per_image.assign(1000, 5);
    rows.class_ids.assign(5000, 94);
    rows.boxes.resize(5000);
    rows.floats_per_polygon.resize(5000);
    builder.Append(std::move(rows));
  }
  const Bytes declared = EstimateMemory(builder.Size()).Total();
  const LabelTable table = builder.Build();
  EXPECT_EQ(table.box_count(), 5'000'000U);
  EXPECT_EQ(table.NumBytes(), declared);
  EXPECT_LT(table.NumBytes(), Bytes(150'000'000));
}

}  // namespace
}  // namespace headroom
