// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/winograd.h"

#include "headroom/kernels/kernel_testing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace headroom {
namespace {

using testing::ForEachTarget;
using testing::GuardedFloats;
using testing::NormalFloats;

std::size_t Count(std::int64_t count) { return static_cast<std::size_t>(count); }

// The definition, in double.
std::vector<double> Expected(const WinogradShape& s, const std::vector<float>& input,
                             const std::vector<float>& weight) {
  const ImageShape& i = s.input;
  std::vector<double> output(Count(i.images * i.height * i.width * s.out_channels), 0.0);
  for (std::int64_t pixel = 0; pixel < i.images * i.height * i.width; ++pixel) {
    const std::int64_t y = pixel / i.width % i.height, x = pixel % i.width;
    for (std::int64_t k = 0; k < 9; ++k) {
      const std::int64_t dy = k / 3 - 1, dx = k % 3 - 1;
      if (y + dy < 0 || y + dy >= i.height || x + dx < 0 || x + dx >= i.width) continue;
      const float* from = &input[Count((pixel + dy * i.width + dx) * i.channels)];
      for (std::int64_t o = 0; o < s.out_channels; ++o) {
        const float* w = &weight[Count((o * 9 + k) * i.channels)];
        double sum = 0;
        for (std::int64_t c = 0; c < i.channels; ++c)
          sum += static_cast<double>(from[c]) * static_cast<double>(w[c]);
        output[Count(pixel * s.out_channels + o)] += sum;
      }
    }
  }
  return output;
}

// [out][3][3][in] with in and out exchanged and taps turned: what dx convolves dy with.
std::vector<float> Adjoint(const std::vector<float>& weight, std::int64_t in, std::int64_t out) {
  std::vector<float> adjoint(weight.size());
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t k = 0; k < 9; ++k) {
      for (std::int64_t c = 0; c < in; ++c)
        adjoint[Count((c * 9 + 8 - k) * out + o)] = weight[Count((o * 9 + k) * in + c)];
    }
  }
  return adjoint;
}

GuardedFloats Convolved(const WinogradShape& s, const std::vector<float>& input,
                        const GuardedFloats& transformed, const std::vector<IndexRange>& parts) {
  const GuardedFloats x(input);
  GuardedFloats y(std::vector<float>(
      Count(s.input.images * s.input.height * s.input.width * s.out_channels), 1e30F));
  for (const IndexRange& part : parts) {
    const GuardedFloats scratch(std::vector<float>(Count(WinogradScratch(s)), 1e30F));
    WinogradConvolve(s, x.data(), transformed.data(), ElementType::kFloat32, part, scratch.data(),
                     y.data());
  }
  return y;
}

GuardedFloats Transformed(const std::vector<float>& weight, std::int64_t in, std::int64_t out,
                          WinogradUse use) {
  const GuardedFloats w(weight);
  GuardedFloats to(std::vector<float>(Count(36 * in * out), 1e30F));
  TransformWinogradWeights(w.data(), in, out, use, {0, in}, to.data());
  return to;
}

void ExpectIsTheDefinition(const WinogradShape& s, const std::vector<IndexRange>& parts) {
  const std::int64_t in = s.input.channels, out = s.out_channels;
  const auto input = NormalFloats(Rng(1), s.input.images * s.input.height * s.input.width * in);
  const auto weight = NormalFloats(Rng(2), out * 9 * in);
  const auto expected = Expected(s, input, weight);
  // The outputs' standard deviation.
  const double scale = std::sqrt(9.0 * static_cast<double>(in));
  const GuardedFloats forward =
      Convolved(s, input, Transformed(weight, in, out, WinogradUse::kForward), parts);
  // Weights of the adjoint are those whose adjoint is `weight`.
  const GuardedFloats adjoint = Convolved(
      s, input, Transformed(Adjoint(weight, in, out), out, in, WinogradUse::kInputGradient), parts);
  double squares = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(forward.data()[i]), expected[i], 1e-5 * scale) << i;
    ASSERT_NEAR(static_cast<double>(adjoint.data()[i]), expected[i], 1e-5 * scale) << i;
    squares += std::pow((static_cast<double>(forward.data()[i]) - expected[i]) / scale, 2);
  }
  EXPECT_LT(std::sqrt(squares / static_cast<double>(expected.size())), 1.5e-6);
}

TEST(Winograd, IsTheConvolutionForAnyChannelsThatItTakes) {
  ForEachTarget([] {
    int taken = 0;
    for (const std::int64_t in : {3, 4, 8, 12, 16, 24, 48, 64, 80, 95}) {
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

TEST(Winograd, TakesImagesOfAnyExtentInAnyParts) {
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

TEST(Winograd, WeightsAreTransformedInParts) {
  ForEachTarget([] {
    for (const WinogradUse use : {WinogradUse::kForward, WinogradUse::kInputGradient}) {
      const auto weight = NormalFloats(Rng(3), 16 * 9 * 32);
      const GuardedFloats whole = Transformed(weight, 32, 16, use);
      GuardedFloats parts(std::vector<float>(Count(36 * 32 * 16), 1e30F));
      const GuardedFloats w(weight);
      TransformWinogradWeights(w.data(), 32, 16, use, {16, 32}, parts.data());
      TransformWinogradWeights(w.data(), 32, 16, use, {0, 16}, parts.data());
      for (std::int64_t i = 0; i < 36 * 32 * 16; ++i)
        ASSERT_EQ(whole.data()[i], parts.data()[i]) << i;
    }
  });
}

// The sums are those of fp32; only what is read and written is bf16.
TEST(Winograd, ReadsAndWritesBFloat16) {
  ForEachTarget([] {
    const WinogradShape shape{.input = {2, 6, 5, 16}, .out_channels = 32};
    const std::int64_t pixels = 2 * 6 * 5;
    std::vector<float> input = NormalFloats(Rng(7), pixels * 16);
    testing::GuardedBytes half_input(input.size() * 2), half_output(Count(pixels * 32) * 2);
    auto* x = reinterpret_cast<BFloat16*>(half_input.data());
    auto* y = reinterpret_cast<BFloat16*>(half_output.data());
    for (std::size_t i = 0; i < input.size(); ++i) {
      x[i] = ToBFloat16(input[i]);
      input[i] = ToFloat(x[i]);
    }
    const GuardedFloats weights =
        Transformed(NormalFloats(Rng(8), 32 * 9 * 16), 16, 32, WinogradUse::kForward);
    const std::int64_t tiles = WinogradTiles(shape.input);
    const GuardedFloats expected = Convolved(shape, input, weights, {{0, tiles}});
    const GuardedFloats scratch(std::vector<float>(Count(WinogradScratch(shape)), 1e30F));
    WinogradConvolve(shape, x, weights.data(), ElementType::kBFloat16, {0, tiles}, scratch.data(),
                     y);
    for (std::int64_t i = 0; i < pixels * 32; ++i)
      ASSERT_EQ(y[i].bits, ToBFloat16(expected.data()[i]).bits) << i;
  });
}

}  // namespace
}  // namespace headroom
