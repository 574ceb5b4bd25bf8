// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/class_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace headroom {
namespace {

using ::testing::EndsWith;

const std::vector<std::string> kNames = {"RBC", "WBC", "Platelets"};

TEST(ClassChoice, HasNothingToSayOfClassesThatThereAre) {
  EXPECT_EQ(UnknownClassesText({}, kNames), std::nullopt);
  EXPECT_EQ(UnknownClassesText(std::vector{0, 2}, kNames), std::nullopt);
}

TEST(ClassChoice, NamesTheClassesThatThereAre) {
  EXPECT_EQ(UnknownClassesText(std::vector{1, 3, 9}, kNames),
            "classes=1,3,9: the model has no class 3, 9; it has 0 RBC, 1 WBC, 2 Platelets");
}

TEST(ClassChoice, ShortensALongList) {
  const std::vector<std::string> names(80, "cat");
  EXPECT_THAT(*UnknownClassesText(std::vector{80}, names), EndsWith("19 cat, ... 79 cat"));
}

}  // namespace
}  // namespace headroom
