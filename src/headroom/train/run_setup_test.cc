// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/run_setup.h"

#include "headroom/kernels/simd_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace headroom {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::optional<Element> kNew;  // A run that goes on from none.
constexpr const char* kSlow = "slower than fp32";

TEST(Precision, TrueMeansBFloat16WhereItIsMultiplied) {
  EXPECT_EQ(ChooseCpuPrecision(Precision::kAuto, kNew, true).activation, Element::kBFloat16);
  const PrecisionChoice elsewhere = ChooseCpuPrecision(Precision::kAuto, kNew, false);
  EXPECT_EQ(elsewhere.activation, Element::kFloat32);
  EXPECT_THAT(elsewhere.note, HasSubstr("no bf16 multiplication"));
}

TEST(Precision, WhatTrueMeantIsKeptOnAnotherProcessor) {
  for (const bool native : {false, true}) {
    for (const Element kept : {Element::kFloat32, Element::kBFloat16})
      EXPECT_EQ(ChooseCpuPrecision(Precision::kAuto, kept, native).activation, kept) << native;
  }
  EXPECT_THAT(ChooseCpuPrecision(Precision::kAuto, Element::kBFloat16, false).note,
              HasSubstr(kSlow));
  EXPECT_THAT(ChooseCpuPrecision(Precision::kAuto, Element::kBFloat16, true).note,
              Not(HasSubstr(kSlow)));
}

TEST(Precision, AskedForByNameIsTaken) {
  for (const bool native : {false, true}) {
    for (const std::optional<Element> kept :
         {kNew, std::optional(Element::kFloat32), std::optional(Element::kBFloat16)}) {
      EXPECT_EQ(ChooseCpuPrecision(Precision::kFloat32, kept, native).activation,
                Element::kFloat32);
      const PrecisionChoice narrow = ChooseCpuPrecision(Precision::kBFloat16, kept, native);
      EXPECT_EQ(narrow.activation, Element::kBFloat16);
      EXPECT_EQ(narrow.note.find(kSlow) == std::string::npos, native);
    }
  }
}

TEST(Precision, NamesAreReadBack) {
  for (const Element element : {Element::kFloat32, Element::kBFloat16})
    EXPECT_EQ(ParsePrecision(PrecisionName(element)), element);
  EXPECT_EQ(ParsePrecision("fp16"), std::nullopt);
}

// The decision and the convolutions ask the same: without AVX-512 nothing multiplies bf16.
TEST(Precision, FollowsTheActiveInstructions) {
  const auto means_bfloat16 = [] {
    return ChoosePrecision(Precision::kAuto, at::kCPU).activation == Element::kBFloat16;
  };
  for (const SimdTarget& target : SimdTargets()) {
    UseSimdTarget(target);
    EXPECT_EQ(means_bfloat16(), MultipliesBFloat16()) << target.name;
    const bool avx512 = target.name.starts_with("AVX3");
    EXPECT_TRUE(avx512 || !MultipliesBFloat16()) << target.name;
  }
  UseBestSimdTarget();
}

}  // namespace
}  // namespace headroom
