// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/upsample.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

namespace headroom {
namespace {

using testing::ForEachRowCase;
using testing::RowCase;
using testing::TestRows;

ImageShape Shape(const RowCase& k) { return {2, 3, 5, k.channels}; }
constexpr std::int64_t kLines = 6;
constexpr std::int64_t kSmall = 30;

// Row of pixel (n, y, x) in the doubled image above the small row r, i lines down and j pixels
// right.
std::int64_t Above(std::int64_t r, std::int64_t i, std::int64_t j) {
  const std::int64_t n = r / 15, y = r % 15 / 5, x = r % 5;
  return (n * 6 + 2 * y + i) * 10 + 2 * x + j;
}

TEST(Upsample, RepeatsEveryPixelFourTimes) {
  ForEachRowCase([](const RowCase& k) {
    TestRows from(kSmall, k.channels, k.input, k.gaps);
    TestRows to(4 * kSmall, k.channels, k.output, k.gaps);
    from.FillNormal(Rng(1));
    UpsampleNearest2x(Shape(k), from, {0, 2}, to);
    UpsampleNearest2x(Shape(k), from, {2, kLines}, to);
    TestRows expected(4 * kSmall, k.channels, ElementType::kFloat32, TestRows::Gaps::kNo);
    from.ForEach([&](std::int64_t r, std::int64_t c) {
      for (const int i : {0, 1, 2, 3}) expected.Set(Above(r, i / 2, i % 2), c, from.At(r, c));
    });
    to.ExpectNear([&](auto r, auto c) { return expected.At(r, c); }, 0);
  });
}

TEST(UpsampleBackward, SumsTheFourPixels) {
  ForEachRowCase([](const RowCase& k) {
    for (const auto write : {GradientWrite::kAssign, GradientWrite::kAccumulate}) {
      TestRows from(4 * kSmall, k.channels, k.input, k.gaps);
      TestRows to(kSmall, k.channels, k.output, k.gaps);
      from.FillNormal(Rng(1));
      to.FillNormal(Rng(2), 8, 0);
      UpsampleNearest2xBackward(Shape(k), from, {0, kLines}, write, to);
      to.ExpectNear(
          [&](std::int64_t r, std::int64_t c) {
            double sum = write == GradientWrite::kAccumulate ? 8 : 0;
            for (const int i : {0, 1, 2, 3}) sum += from.At(Above(r, i / 2, i % 2), c);
            return sum;
          },
          1e-6);
    }
  });
}

}  // namespace
}  // namespace headroom
