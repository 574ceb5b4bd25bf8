// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/tensor_data.h"

#include "headroom/core/error.h"
#include "headroom/interop/half_float.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace headroom {
namespace {

// Straight from the definition of binary16.
double HalfByDefinition(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(HalfFloat, EveryFiniteHalfIsExactAndReturns) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if ((half & 0x7C00) == 0x7C00) continue;
    ASSERT_EQ(HalfToFloat(half), HalfByDefinition(half)) << bits;
    ASSERT_EQ(FloatToHalf(HalfToFloat(half)), half) << bits;
  }
}

TEST(HalfFloat, RoundsToNearestTiesToEven) {
  for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
    const float low = HalfToFloat(half);
    const float high = HalfToFloat(static_cast<std::uint16_t>(half + 1));
    const float middle = (low + high) / 2;
    const auto even = static_cast<std::uint16_t>(half % 2 == 0 ? half : half + 1);
    ASSERT_EQ(FloatToHalf(middle), even) << half;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 1e9F)), half + 1);
    ASSERT_EQ(FloatToHalf(-middle), even | 0x8000);
  }
}

TEST(HalfFloat, HandlesTheEdges) {
  EXPECT_EQ(FloatToHalf(65504.0F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65519.9F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7C00);
  EXPECT_EQ(FloatToHalf(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_EQ(HalfToFloat(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(FloatToHalf(1e-10F), 0);
  EXPECT_EQ(FloatToHalf(-0.0F), 0x8000);
}

TEST(TensorData, ConvertsBetweenItsTypes) {
  const TensorData floats = TensorData::FromFloats({2, 2}, std::array{1.5F, -2.0F, 0.1F, 300.0F});
  const TensorData halves = ConvertTo(floats, DataType::kFloat16);
  EXPECT_EQ(halves.type(), DataType::kFloat16);
  EXPECT_EQ(halves.bytes().size(), 8U);
  EXPECT_EQ(AsFloats(halves)[2], HalfToFloat(FloatToHalf(0.1F)));
  EXPECT_EQ(AsFloats(ConvertTo(halves, DataType::kFloat32)), AsFloats(halves));
  EXPECT_EQ(AsFloats(TensorData::FromInts({}, std::array{std::int64_t{7}})), std::vector<float>{7});
  EXPECT_THROW(static_cast<void>(ConvertTo(halves, DataType::kInt64)), InternalError);
}

TEST(TensorData, SaysWhenHalfCannotHoldIt) {
  EXPECT_FALSE(OverflowsHalf(TensorData::FromFloats({1}, std::array{65504.0F})));
  EXPECT_TRUE(OverflowsHalf(TensorData::FromFloats({2}, std::array{1.0F, 70000.0F})));
  EXPECT_FALSE(OverflowsHalf(
      TensorData::FromFloats({1}, std::array{std::numeric_limits<float>::infinity()})));
}

TEST(TensorData, ViewsSurviveAMoveOfTheOwner) {
  TensorData owner = TensorData::FromFloats({3}, std::array{1.0F, 2.0F, 3.0F});
  const TensorData view = owner.Borrow();
  const TensorData moved = std::move(owner);
  EXPECT_EQ(AsFloats(view), AsFloats(moved));
  EXPECT_EQ(view.bytes().data(), moved.bytes().data());
}

TEST(TensorData, RefusesBytesThatDoNotFitTheShape) {
  EXPECT_THROW(static_cast<void>(TensorData::FromFloats({2}, std::array{1.0F})), InternalError);
}

TEST(ElementCount, RefusesNegativeAndHugeShapes) {
  EXPECT_EQ(ElementCount(std::array<std::int64_t, 3>{2, 3, 4}), 24);
  EXPECT_EQ(ElementCount(std::array<std::int64_t, 2>{0, 5}), 0);
  EXPECT_FALSE(ElementCount(std::array<std::int64_t, 1>{-1}).has_value());
  EXPECT_FALSE(
      ElementCount(std::array<std::int64_t, 2>{std::int64_t{1} << 40, std::int64_t{1} << 40})
          .has_value());
}

}  // namespace
}  // namespace headroom
