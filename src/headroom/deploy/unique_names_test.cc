// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/unique_names.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(UniqueNames, CountsOnWhereANameIsTaken) {
  UniqueNames names;
  EXPECT_EQ(names.Take("a"), "a");
  EXPECT_EQ(names.Take("a"), "a-2");
  EXPECT_EQ(names.Take("b"), "b");
  EXPECT_EQ(names.Take("a"), "a-3");
}

TEST(UniqueNames, PassesOverNumberedNamesThatOthersBrought) {
  UniqueNames names;
  EXPECT_EQ(names.Take("a-2"), "a-2");
  EXPECT_EQ(names.Take("a"), "a");
  EXPECT_EQ(names.Take("a"), "a-3");
  EXPECT_EQ(names.Take("a-2"), "a-2-2");
  EXPECT_EQ(names.Take("a-3"), "a-3-2");
}

TEST(UniqueNames, TellsWhatIsFreeWithoutTakingIt) {
  UniqueNames names;
  EXPECT_EQ(names.Free("a"), "a");
  (void)names.Take("a");
  (void)names.Take("a-2");
  EXPECT_EQ(names.Free("a"), "a-3");
  EXPECT_EQ(names.Free("a"), "a-3");
  EXPECT_EQ(names.Take("a"), "a-3");
}

}  // namespace
}  // namespace headroom
