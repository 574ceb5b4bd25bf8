// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/bytes.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(Bytes, OverflowThrowsInsteadOfWrapping) {
  EXPECT_THROW((void)(Bytes::Max() + Bytes(1)), InternalError);
  EXPECT_THROW((void)(Bytes(1) - Bytes(2)), InternalError);
  EXPECT_THROW((void)Bytes::Of(1ULL << 40, 1ULL << 30), InternalError);
  EXPECT_EQ(SaturatingSub(Bytes(1), Bytes(2)), Bytes(0));
}

TEST(Bytes, ParsesTheUnitsThatPeopleType) {
  EXPECT_EQ(*ParseBytes("6G"), Bytes::GiB(6));
  EXPECT_EQ(*ParseBytes("512MB"), Bytes::MiB(512));
  EXPECT_EQ(*ParseBytes("1.5 GiB"), Bytes::MiB(1536));
  EXPECT_EQ(*ParseBytes("300k"), Bytes::KiB(300));
  EXPECT_EQ(*ParseBytes("17"), Bytes(17));
  EXPECT_EQ(*ParseBytes("17b"), Bytes(17));
  for (const char* bad : {"", "G", "-1G", "6X", "6GG", "nan", "1e30T"})
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
}

TEST(Bytes, PrintsThreeDigits) {
  EXPECT_EQ(ToString(Bytes(17)), "17 B");
  EXPECT_EQ(ToString(Bytes::MiB(1495)), "1.46 GiB");
  EXPECT_EQ(ToString(Bytes::MiB(812)), "812 MiB");
  EXPECT_EQ(ToString(Bytes::KiB(15360)), "15.0 MiB");
}

TEST(Bytes, RoundsUpToPowersOfTwo) {
  EXPECT_EQ(RoundUp(Bytes(1), Bytes(64)), Bytes(64));
  EXPECT_EQ(RoundUp(Bytes(64), Bytes(64)), Bytes(64));
  EXPECT_THROW((void)RoundUp(Bytes(1), Bytes(48)), InternalError);
}

}  // namespace
}  // namespace headroom
