// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/coco_json.h"

#include "headroom/core/error.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>

namespace headroom {
namespace {

template <typename Write>
std::string Written(const Write& write, std::vector<std::int32_t> ids = {}) {
  const testing::TempDir folder;
  const auto path = folder.path() / "predictions.json";
  WriteFileAtomic(path, [&](FileWriter& file) {
    CocoJsonWriter json(file, ids);
    write(json);
    json.Finish();
  });
  return ReadFile(path).value();
}

TEST(CocoJsonWriter, WritesTheReferencesEntries) {
  const std::string text = Written([](CocoJsonWriter& json) {
    json.AddImage("val/BloodImage_00000.jpg",
                  std::array{Detection{{260.005F, 177.126F, 492.943F, 377.656F}, 0.8776F, 1},
                             Detection{{1, 2.5F, 3, 4}, 0.123456F, 0}});
  });
  EXPECT_EQ(text,
            R"([{"image_id": "BloodImage_00000", "file_name": "BloodImage_00000.jpg", )"
            R"("category_id": 2, "bbox": [260.005, 177.126, 232.938, 200.53], "score": 0.8776}, )"
            R"({"image_id": "BloodImage_00000", "file_name": "BloodImage_00000.jpg", )"
            R"("category_id": 1, "bbox": [1.0, 2.5, 2.0, 1.5], "score": 0.12346}])");
}

TEST(CocoJsonWriter, TurnsNumericStemsIntoNumbers) {
  const std::array detections = {Detection{{0, 0, 1, 1}, 0.5F, 79}};
  const auto json = nlohmann::json::parse(Written(
      [&](CocoJsonWriter& writer) {
        writer.AddImage("000000000139.jpg", detections);
        writer.AddImage("000.jpg", detections);
        writer.AddImage("empty.jpg", {});
        writer.AddImage("12a.jpg", detections);
      },
      CocoCategoryIds()));
  ASSERT_EQ(json.size(), 3U);
  EXPECT_EQ(json[0]["image_id"], 139);
  EXPECT_EQ(json[0]["category_id"], 90);
  EXPECT_EQ(json[1]["image_id"], 0);
  EXPECT_EQ(json[2]["image_id"], "12a");
}

TEST(CocoJsonWriter, StaysValidForAnyFileNameAndNumber) {
  const auto json = nlohmann::json::parse(Written([](CocoJsonWriter& writer) {
    writer.AddImage("a\"b\\\xff.jpg", std::array{Detection{{NAN, 0, INFINITY, 1e9F}, 1e-7F, 0}});
  }));
  EXPECT_EQ(json[0]["score"], 0.0);
  EXPECT_EQ(json[0]["bbox"][0], 0.0);
}

TEST(CocoJsonWriter, OfNothingIsAnEmptyList) {
  EXPECT_EQ(Written([](CocoJsonWriter&) {}), "[]");
}

TEST(CocoJsonWriter, RefusesAClassWithoutAnId) {
  EXPECT_THROW(
      Written(
          [](CocoJsonWriter& json) { json.AddImage("a.jpg", std::array{Detection{{}, 0.5F, 1}}); },
          {5}),
      InternalError);
}

TEST(CocoCategoryIds, SkipTheUnusedNumbers) {
  const auto ids = CocoCategoryIds();
  ASSERT_EQ(ids.size(), 80U);
  EXPECT_EQ(ids[0], 1);
  EXPECT_EQ(ids[11], 13);
  EXPECT_EQ(ids[56], 62);  // chair
  EXPECT_EQ(ids[79], 90);
}

}  // namespace
}  // namespace headroom
