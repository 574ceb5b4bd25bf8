// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/strings.h"

#include <gmock/gmock.h>

namespace headroom {
namespace {

using ::testing::ElementsAre;

TEST(Strings, NearestFindsTheMistypedOption) {
  const std::vector<std::string> keys = {"epochs", "batch", "patience", "imgsz"};
  EXPECT_THAT(Nearest("epoch", keys), ElementsAre("epochs"));
  EXPECT_THAT(Nearest("imgsize", keys), ElementsAre("imgsz"));
  EXPECT_THAT(Nearest("zzz", keys), ElementsAre());
}

TEST(Strings, SplitKeepsEmptyParts) { EXPECT_THAT(Split("a,,b", ','), ElementsAre("a", "", "b")); }

TEST(Strings, NumbersMustUseTheWholeText) {
  double d = 0;
  std::int64_t i = 0;
  EXPECT_TRUE(ParseDouble("1e-3", &d));
  EXPECT_FALSE(ParseDouble("1e-3x", &d));
  EXPECT_FALSE(ParseDouble("", &d));
  EXPECT_TRUE(ParseInt("-7", &i));
  EXPECT_FALSE(ParseInt("7.0", &i));
}

}  // namespace
}  // namespace headroom
