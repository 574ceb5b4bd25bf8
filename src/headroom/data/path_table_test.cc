// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/path_table.h"

#include "headroom/core/rng.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

namespace headroom {
namespace {

std::vector<std::string> All(const PathTable& table) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < table.size(); ++i) paths.push_back(table.Path(i));
  return paths;
}

TEST(PathTable, SortsLikeWholeStrings) {
  // '-' and '.' sort before '/', which is where sorting by folder would go wrong.
  const std::vector<std::string> pieces = {"a", "a-b", "a/b", "a.b", "b", "ab/c", "a/", "/"};
  Rng rng(1);
  std::vector<std::string> paths;
  for (int i = 0; i < 500; ++i) {
    std::string path;
    for (int k = 0; k < 3; ++k)
      path += pieces[rng.Below(pieces.size())] + (rng.Chance(0.5) ? "/" : "");
    paths.push_back(path + fmt::format("{}.jpg", rng.Below(30)));
  }
  PathTable table;
  for (const std::string& path : paths) table.Append(path);
  EXPECT_EQ(All(table), paths);
  table.Sort();
  std::stable_sort(paths.begin(), paths.end());
  EXPECT_EQ(All(table), paths);
}

TEST(PathTable, KeepAndTruncateLeaveTheOthersAsTheyWere) {
  PathTable table;
  for (const char* path : {"x/one", "x/two", "y/three", "four", "y/five"}) table.Append(path);
  table.Keep({true, false, true, true, false});
  EXPECT_THAT(All(table), ::testing::ElementsAre("x/one", "y/three", "four"));
  table.Truncate(2);
  EXPECT_THAT(All(table), ::testing::ElementsAre("x/one", "y/three"));
}

TEST(PathTable, AMillionPathsTakeLessThan80Megabytes) {
  PathTable table;
  for (int i = 0; i < 1000000; ++i) {
    table.Append(
        fmt::format("/data/sets/big/images/train/part{:03}/photograph_{:09}.jpg", i / 5000, i));
  }
  table.ShrinkToFit();
  EXPECT_LT(table.NumBytes(), Bytes(80'000'000));
  const Bytes estimate = PathTable::EstimateBytes(1000000, 24, 200);
  EXPECT_LE(table.NumBytes(), estimate);
  EXPECT_GE(table.NumBytes().count() * 4 / 3, estimate.count());
  EXPECT_EQ(table.Path(123456), "/data/sets/big/images/train/part024/photograph_000123456.jpg");
}

}  // namespace
}  // namespace headroom
