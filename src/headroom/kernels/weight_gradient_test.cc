// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/weight_gradient.h"

#include "headroom/kernels/kernel_testing.h"
#include "headroom/kernels/weight_gradient_testing.h"

#include <gtest/gtest.h>

#include <vector>

namespace headroom {
namespace {

using testing::Count;
using testing::ForEachTarget;
using testing::GuardedFloats;
using testing::NormalFloats;

ConvolutionShape Shape(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                       std::int64_t height = 9, std::int64_t width = 7, std::int64_t images = 3) {
  ConvolutionShape shape{.input = {images, height, width, in},
                         .out_channels = out,
                         .kernel = kernel,
                         .stride = stride,
                         .padding = kernel / 2};
  shape.out_height = (height + 2 * shape.padding - kernel) / stride + 1;
  shape.out_width = (width + 2 * shape.padding - kernel) / stride + 1;
  return shape;
}

void ExpectIsTheDefinition(const ConvolutionShape& s, IndexRange lines) {
  const auto input =
      NormalFloats(Rng(1), s.input.images * s.input.height * s.input.width * s.input.channels);
  const auto gradient =
      NormalFloats(Rng(2), s.input.images * s.out_height * s.out_width * s.out_channels);
  const GuardedFloats x(input);
  const GuardedFloats g(gradient);
  const GuardedFloats scratch(std::vector<float>(Count(WeightGradientScratch(s)), 1e30F));
  const auto expected = testing::WeightGradientByDefinition(s, input, gradient, lines, 0.5);
  const GuardedFloats sums(std::vector<float>(expected.size(), 0.5F));
  AccumulateWeightGradient(s, x.data(), g.data(), lines, scratch.data(), sums.data());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(static_cast<double>(sums.data()[i]), expected[i],
                2e-5 * (10 + std::abs(expected[i])))
        << i;
}

TEST(WeightGradient, IsItsDefinitionForAnyShape) {
  ForEachTarget([] {
    for (const std::int64_t in : {1, 3, 8, 12, 16, 24, 33, 95}) {
      for (const std::int64_t out : {1, 3, 4, 6, 8, 16, 95}) {
        for (const std::int64_t kernel : {1, 3, 5}) {
          for (const std::int64_t stride : {1, 2}) {
            SCOPED_TRACE(::testing::Message() << in << " to " << out << " channels, kernel "
                                              << kernel << " stride " << stride);
            const ConvolutionShape shape = Shape(in, out, kernel, stride);
            ExpectIsTheDefinition(shape, {0, 3 * shape.out_height});
            if (::testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

TEST(WeightGradient, PartsOfTheLinesAddUp) {
  ForEachTarget([] {
    const ConvolutionShape shape = Shape(16, 12, 3, 1);
    for (std::int64_t cut = 0; cut < 3 * shape.out_height; ++cut) {
      ExpectIsTheDefinition(shape, {0, cut});
      ExpectIsTheDefinition(shape, {cut, 3 * shape.out_height});
    }
  });
}

// Smaller than the kernel, a line, a column, and lines so long that a band has one.
TEST(WeightGradient, TakesImagesOfAnyExtent) {
  ForEachTarget([] {
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {9, 1}, {2, 2}, {5, 700}}) {
      for (const std::int64_t stride : {1, 2}) {
        SCOPED_TRACE(::testing::Message() << height << " x " << width << " stride " << stride);
        const ConvolutionShape shape = Shape(64, 7, 3, stride, height, width, 1);
        ExpectIsTheDefinition(shape, {0, shape.out_height});
      }
    }
  });
}

}  // namespace
}  // namespace headroom
