// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/winograd_weight_gradient.h"

#include "headroom/kernels/kernel_testing.h"
#include "headroom/kernels/weight_gradient_testing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace headroom {
namespace {

using testing::Count;
using testing::ForEachTarget;
using testing::GuardedFloats;
using testing::NormalFloats;

struct Maps {
  explicit Maps(const WinogradShape& s)
      : pixels(s.input.images * s.input.height * s.input.width),
        input(NormalFloats(Rng(1), pixels * s.input.channels)),
        gradient(NormalFloats(Rng(2), pixels * s.out_channels)) {}
  std::int64_t pixels;
  std::vector<float> input;
  std::vector<float> gradient;
};

constexpr float kBefore = 0.5F;

GuardedFloats Accumulated(const WinogradShape& s, const Maps& maps,
                          const std::vector<IndexRange>& parts) {
  const GuardedFloats x(maps.input);
  const GuardedFloats g(maps.gradient);
  GuardedFloats sums(std::vector<float>(Count(s.out_channels * 9 * s.input.channels), kBefore));
  for (const IndexRange& part : parts) {
    const GuardedFloats scratch(std::vector<float>(Count(WinogradWeightGradientScratch(s)), 1e30F));
    AccumulateWinogradWeightGradient(s, x.data(), g.data(), ElementType::kFloat32, part,
                                     scratch.data(), sums.data());
  }
  return sums;
}

void ExpectIsTheDefinition(const WinogradShape& s, const std::vector<IndexRange>& parts) {
  const Maps maps(s);
  const ConvolutionShape shape{.input = s.input,
                               .out_height = s.input.height,
                               .out_width = s.input.width,
                               .out_channels = s.out_channels,
                               .kernel = 3,
                               .stride = 1,
                               .padding = 1};
  const std::vector<double> expected = testing::WeightGradientByDefinition(
      shape, maps.input, maps.gradient, {0, s.input.images * s.input.height}, kBefore);
  const GuardedFloats sums = Accumulated(s, maps, parts);
  // The sums' standard deviation.
  const double scale = std::sqrt(static_cast<double>(maps.pixels));
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(static_cast<double>(sums.data()[i]), expected[i], 1e-5 * scale) << i;
}

TEST(WinogradWeightGradient, IsItsDefinitionForAnyChannelsThatItTakes) {
  ForEachTarget([] {
    int taken = 0;
    for (const std::int64_t in : {1, 4, 8, 16, 24, 48, 64, 80}) {
      for (const std::int64_t out : {1, 4, 8, 16, 24, 64, 80}) {
        if (in % WinogradLanes() != 0 || out % WinogradLanes() != 0) continue;
        ++taken;
        SCOPED_TRACE(::testing::Message() << in << " to " << out << " channels");
        const WinogradShape shape{.input = {2, 9, 7, in}, .out_channels = out};
        ExpectIsTheDefinition(shape, {{0, WinogradTiles(shape.input)}});
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
    EXPECT_GE(taken, 9);
  });
}

TEST(WinogradWeightGradient, TakesImagesOfAnyExtentInAnyParts) {
  ForEachTarget([] {
    for (const auto& [height, width] :
         {std::pair{1, 1}, {1, 9}, {9, 1}, {4, 4}, {5, 8}, {20, 21}, {3, 150}}) {
      SCOPED_TRACE(::testing::Message() << height << " x " << width);
      const WinogradShape shape{.input = {3, height, width, 16}, .out_channels = 32};
      const std::int64_t tiles = WinogradTiles(shape.input);
      ExpectIsTheDefinition(shape, {{0, tiles}});
      ExpectIsTheDefinition(shape, {{tiles / 3, tiles}, {0, tiles / 3}});
      if (::testing::Test::HasFatalFailure()) return;
    }
  });
}

// The sums are those of fp32.
TEST(WinogradWeightGradient, ReadsBFloat16) {
  ForEachTarget([] {
    const WinogradShape shape{.input = {2, 6, 5, 16}, .out_channels = 32};
    Maps maps(shape);
    testing::GuardedBytes half_input(maps.input.size() * 2),
        half_gradient(maps.gradient.size() * 2);
    auto* x = reinterpret_cast<BFloat16*>(half_input.data());
    auto* g = reinterpret_cast<BFloat16*>(half_gradient.data());
    for (std::size_t i = 0; i < maps.input.size(); ++i)
      maps.input[i] = ToFloat(x[i] = ToBFloat16(maps.input[i]));
    for (std::size_t i = 0; i < maps.gradient.size(); ++i)
      maps.gradient[i] = ToFloat(g[i] = ToBFloat16(maps.gradient[i]));
    const std::int64_t tiles = WinogradTiles(shape.input);
    const GuardedFloats expected = Accumulated(shape, maps, {{0, tiles}});
    const GuardedFloats scratch(
        std::vector<float>(Count(WinogradWeightGradientScratch(shape)), 1e30F));
    const GuardedFloats sums(std::vector<float>(32 * 9 * 16, kBefore));
    AccumulateWinogradWeightGradient(shape, x, g, ElementType::kBFloat16, {0, tiles},
                                     scratch.data(), sums.data());
    for (std::int64_t i = 0; i < 32 * 9 * 16; ++i)
      ASSERT_EQ(sums.data()[i], expected.data()[i]) << i;
  });
}

}  // namespace
}  // namespace headroom
