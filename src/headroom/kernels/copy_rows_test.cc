// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/copy_rows.h"

#include "headroom/kernels/bias.h"
#include "headroom/kernels/kernel_testing.h"
#include "headroom/kernels/pixels.h"

#include <gmock/gmock.h>

#include <array>

namespace headroom {
namespace {

using testing::ForEachRowCase;
using testing::ForEachTarget;
using testing::RowCase;
using testing::TestRows;

TEST(CopyRows, CopiesARangeAndConverts) {
  ForEachRowCase([](const RowCase& k) {
    TestRows from(k.rows, k.channels, k.input, k.gaps);
    TestRows to(k.rows, k.channels, k.output, TestRows::Gaps::kYes);
    TestRows dense(k.rows, k.channels, k.output, TestRows::Gaps::kNo);
    from.FillNormal(Rng(1));
    to.FillNormal(Rng(2), 50, 0);
    CopyRows(from, k.channels, {1, k.rows}, to);
    CopyRows(from, k.channels, {0, k.rows}, dense);
    to.ExpectNear([&](auto r, auto c) { return r == 0 ? 50 : from.At(r, c); }, 0);
    dense.ExpectNear([&](auto r, auto c) { return from.At(r, c); }, 0);
  });
}

TEST(SumRows, AddsSourcesOfBothTypes) {
  ForEachRowCase([](const RowCase& k) {
    TestRows a(k.rows, k.channels, k.input, k.gaps);
    TestRows b(k.rows, k.channels, k.output, k.gaps);
    TestRows c(k.rows, k.channels, k.input, TestRows::Gaps::kNo);
    TestRows to(k.rows, k.channels, k.output, k.gaps);
    a.FillNormal(Rng(1));
    b.FillNormal(Rng(2));
    c.FillNormal(Rng(3));
    const std::array<ConstRowTensor, 3> sources = {a, b, c};
    SumRows(sources, k.channels, {0, k.rows}, to);
    const auto expected = [&](std::int64_t r, std::int64_t i) {
      return a.At(r, i) + b.At(r, i) + c.At(r, i);
    };
    to.ExpectNear(expected, 1e-6);
  });
}

TEST(SumRows, MayAddToASource) {
  ForEachRowCase([](const RowCase& k) {
    TestRows a(k.rows, k.channels, k.input, k.gaps);
    TestRows b(k.rows, k.channels, k.output, k.gaps);
    TestRows before(k.rows, k.channels, k.output, k.gaps);
    a.FillNormal(Rng(1));
    b.FillNormal(Rng(2));
    before.CopyFrom(b);
    const std::array<ConstRowTensor, 2> sources = {b, a};
    SumRows(sources, k.channels, {0, k.rows}, b);
    b.ExpectNear([&](auto r, auto c) { return a.At(r, c) + before.At(r, c); }, 1e-6);
  });
}

TEST(AddBias, AddsPerChannelAndConverts) {
  ForEachRowCase([](const RowCase& k) {
    TestRows y(k.rows, k.channels, k.input, k.gaps);
    TestRows to(k.rows, k.channels, k.output, k.gaps);
    y.FillNormal(Rng(1));
    const std::vector<float> bias = testing::NormalFloats(Rng(2), k.channels);
    AddBias(y, k.channels, bias.data(), {0, k.rows}, to);
    const auto expected = [&](std::int64_t r, std::int64_t c) {
      return y.At(r, c) + static_cast<double>(bias[static_cast<std::size_t>(c)]);
    };
    to.ExpectNear(expected, 1e-6);
    if (k.input != k.output) return;
    TestRows in_place(k.rows, k.channels, k.input, k.gaps);
    in_place.CopyFrom(y);
    AddBias(in_place, k.channels, bias.data(), {0, k.rows}, in_place);
    in_place.ExpectNear(expected, 1e-6);
  });
}

TEST(NormalizePixels, DividesEveryByteBy255) {
  ForEachTarget([] {
    for (const auto type : {ElementType::kFloat32, ElementType::kBFloat16}) {
      for (const auto gaps : {TestRows::Gaps::kNo, TestRows::Gaps::kYes}) {
        constexpr std::int64_t kRows = 257;
        const testing::GuardedBytes bytes(kRows * 3);
        auto* pixels = reinterpret_cast<std::uint8_t*>(bytes.data());
        for (std::int64_t i = 0; i < kRows * 3; ++i) pixels[i] = static_cast<std::uint8_t>(i);
        TestRows to(kRows, 3, type, gaps);
        NormalizePixels(pixels, {0, 100}, to);
        NormalizePixels(pixels, {100, kRows}, to);
        to.ForEach([&](std::int64_t r, std::int64_t c) {
          const float exact = static_cast<float>(pixels[r * 3 + c]) / 255.0f;
          const float stored = type == ElementType::kFloat32 ? exact : ToFloat(ToBFloat16(exact));
          ASSERT_EQ(static_cast<float>(to.At(r, c)), stored) << r << " " << c;
        });
        to.ExpectGapsUntouched();
      }
    }
  });
}

}  // namespace
}  // namespace headroom
