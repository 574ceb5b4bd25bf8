// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/convert.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace headroom {
namespace {

using testing::ForEachTarget;

float FromBits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

TEST(BFloat16, RoundsToNearestEven) {
  EXPECT_EQ(ToBFloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(ToBFloat16(FromBits(0x3f807fff)).bits, 0x3f80);
  EXPECT_EQ(ToBFloat16(FromBits(0x3f808000)).bits, 0x3f80);  // tie, even below
  EXPECT_EQ(ToBFloat16(FromBits(0x3f808001)).bits, 0x3f81);
  EXPECT_EQ(ToBFloat16(FromBits(0x3f818000)).bits, 0x3f82);  // tie, even above
  EXPECT_EQ(ToBFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(ToBFloat16(FromBits(0x7f800001)).bits, 0x7fc0);  // a NaN whose upper half is infinity's
  EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(FromBits(0xffffffff)))));
  EXPECT_EQ(ToBFloat16(FromBits(0x00010000)).bits, 0x0001);  // subnormal
}

TEST(Convert, GivesTheScalarConversionsBits) {
  std::vector<float> floats;
  for (std::uint64_t bits = 0; bits < (1ull << 32); bits += 65521) {
    floats.push_back(FromBits(static_cast<std::uint32_t>(bits)));
  }
  const auto count = static_cast<std::int64_t>(floats.size());
  ForEachTarget([&] {
    std::vector<BFloat16> halves(floats.size());
    ConvertToBFloat16(floats.data(), halves.data(), count);
    for (std::size_t i = 0; i < floats.size(); ++i) {
      ASSERT_EQ(halves[i].bits, ToBFloat16(floats[i]).bits) << i;
    }
  });
}

TEST(Convert, TouchesNothingBehindTheEnd) {
  ForEachTarget([] {
    for (std::int64_t count = 0; count < 40; ++count) {
      testing::GuardedBytes floats(static_cast<std::size_t>(count * 4));
      testing::GuardedBytes halves(static_cast<std::size_t>(count * 2));
      auto* f = reinterpret_cast<float*>(floats.data());
      auto* h = reinterpret_cast<BFloat16*>(halves.data());
      for (std::int64_t i = 0; i < count; ++i) f[i] = static_cast<float>(i);
      ConvertToBFloat16(f, h, count);
      for (std::int64_t i = 0; i < count; ++i)
        ASSERT_EQ(h[i].bits, ToBFloat16(static_cast<float>(i)).bits);
    }
  });
}

TEST(SimdTarget, AlwaysEndsWithPlainCode) {
  EXPECT_THAT(SimdTargets().back().name, ::testing::AnyOf("SCALAR", "EMU128"));
}

TEST(SimdTarget, ListsTheBestFirstAndCanBeLimited) {
  const std::vector<SimdTarget> targets = SimdTargets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(ActiveSimdTarget().name, targets.front().name);
  UseSimdTarget(targets.back());
  EXPECT_EQ(ActiveSimdTarget().name, targets.back().name);
  EXPECT_EQ(SimdTargets().size(), targets.size());
  UseBestSimdTarget();
  EXPECT_EQ(ActiveSimdTarget().name, targets.front().name);
}

}  // namespace
}  // namespace headroom
