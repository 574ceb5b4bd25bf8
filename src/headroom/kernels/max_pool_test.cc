// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/max_pool.h"

#include "headroom/core/error.h"
#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>

namespace headroom {
namespace {

using testing::ForEachTarget;
using testing::TestRows;
using Gaps = TestRows::Gaps;

// Row of the pixel that wins the window around pixel (y, x) of image n: the first of the largest,
// or the last NaN, as LibTorch's max_pool2d chooses.
std::int64_t Winner_reference(const MaxPool& pool, const TestRows& from, std::int64_t row,
                              std::int64_t channel) {
  const ImageShape& s = pool.shape;
  const std::int64_t n = row / (s.height * s.width);
  const std::int64_t y = row / s.width % s.height, x = row % s.width, radius = pool.kernel / 2;
  std::int64_t winner = -1;
  double best = -HUGE_VAL;
  for (std::int64_t v = std::max<std::int64_t>(0, y - radius);
       v <= std::min(s.height - 1, y + radius); ++v) {
    for (std::int64_t u = std::max<std::int64_t>(0, x - radius);
         u <= std::min(s.width - 1, x + radius); ++u) {
      const std::int64_t at = (n * s.height + v) * s.width + u;
      const double value = from.At(at, channel);
      if (winner < 0 || value > best || std::isnan(value)) {
        winner = at;
        best = value;
      }
    }
  }
  return winner;
}

// A gradient tensor in double, kept apart from the storage type's rounding.
struct Doubles {
  Doubles(std::int64_t rows, std::int64_t row_channels)
      : channels(row_channels), values(static_cast<std::size_t>(rows * row_channels)) {}
  double& At(std::int64_t r, std::int64_t c) {
    return values[static_cast<std::size_t>(r * channels + c)];
  }
  std::int64_t channels;
  std::vector<double> values;
};

struct PoolCase {
  MaxPool pool;
  ElementType type;
  Gaps gaps;
  [[nodiscard]] std::int64_t rows() const {
    return pool.shape.images * pool.shape.height * pool.shape.width;
  }
};

void ForEachPoolCase(const std::function<void(const PoolCase&)>& body) {
  ForEachTarget([&] {
    for (const std::int64_t channels : {1, 3, 16, 24, 35}) {
      for (const std::int64_t kernel : {3, 5}) {
        for (const auto type : {ElementType::kFloat32, ElementType::kBFloat16}) {
          for (const auto gaps : {Gaps::kNo, Gaps::kYes}) {
            SCOPED_TRACE(::testing::Message() << channels << " channels, kernel " << kernel << ", "
                                              << testing::Name(type));
            body({{{2, 4, 7, channels}, kernel}, type, gaps});
            if (::testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

// Few distinct values, so that ties are everywhere.
void FillWithTies(TestRows* rows, std::uint64_t seed) {
  Rng rng(seed);
  rows->ForEach([&](std::int64_t r, std::int64_t c) {
    rows->Set(r, c, static_cast<double>(rng.Integer(-3, 0)));
  });
}

std::vector<float> Scratch(const MaxPool& pool) {
  return std::vector<float>(static_cast<std::size_t>(MaxPoolScratchSize(pool.shape)), -9.0f);
}

TEST(MaxPool, TakesTheLargestOfEachWindow) {
  ForEachPoolCase([](const PoolCase& k) {
    TestRows from(k.rows(), k.pool.shape.channels, k.type, k.gaps);
    TestRows to(k.rows(), k.pool.shape.channels, k.type, k.gaps);
    from.FillNormal(Rng(1), -5);
    std::vector<float> scratch = Scratch(k.pool);
    const std::int64_t items = MaxPoolItems(k.pool.shape);
    RunMaxPool(k.pool, from, {{0, 1}, scratch}, to);
    RunMaxPool(k.pool, from, {{1, items}, scratch}, to);
    to.ExpectNear([&](auto r, auto c) { return from.At(Winner_reference(k.pool, from, r, c), c); },
                  0);
  });
}

TEST(MaxPool, ANaNWins) {
  ForEachTarget([] {
    const MaxPool pool{{1, 5, 5, 2}, 3};
    TestRows from(25, 2, ElementType::kFloat32, Gaps::kNo);
    from.FillNormal(Rng(1));
    from.Set(12, 1, std::nan(""));
    std::vector<float> scratch = Scratch(pool);
    TestRows to(25, 2, ElementType::kFloat32, Gaps::kNo);
    RunMaxPool(pool, from, {{0, 1}, scratch}, to);
    for (std::int64_t r = 0; r < 25; ++r) {
      const bool near = std::abs(r / 5 - 2) <= 1 && std::abs(r % 5 - 2) <= 1;
      EXPECT_EQ(std::isnan(to.At(r, 1)), near) << r;
      EXPECT_FALSE(std::isnan(to.At(r, 0)));
    }
  });
}

TEST(MaxPoolBackward, GivesTheGradientToTheFirstOfEquals) {
  ForEachPoolCase([](const PoolCase& k) {
    for (const auto write : {GradientWrite::kAssign, GradientWrite::kAccumulate}) {
      const std::int64_t channels = k.pool.shape.channels;
      TestRows from(k.rows(), channels, k.type, k.gaps);
      TestRows gradient(k.rows(), channels, k.type, k.gaps);
      TestRows to(k.rows(), channels, k.type, k.gaps);
      FillWithTies(&from, 1);
      gradient.FillNormal(Rng(2));
      to.FillNormal(Rng(3), 4, 0);
      Doubles expected(k.rows(), channels);
      gradient.ForEach([&](std::int64_t r, std::int64_t c) {
        expected.At(Winner_reference(k.pool, from, r, c), c) += gradient.At(r, c);
        if (write == GradientWrite::kAccumulate) expected.At(r, c) += 4;
      });
      std::vector<float> scratch = Scratch(k.pool);
      RunMaxPoolBackward(k.pool, from, gradient, {{0, MaxPoolItems(k.pool.shape)}, scratch}, write,
                         to);
      to.ExpectNear([&](auto r, auto c) { return expected.At(r, c); }, 2e-6);
    }
  });
}

TEST(MaxPool, RefusesAnEvenKernelAndTooLittleScratch) {
  TestRows rows(16, 1, ElementType::kFloat32, Gaps::kNo);
  const MaxPool pool{{1, 4, 4, 1}, 4};
  std::vector<float> scratch = Scratch(pool);
  EXPECT_THROW(RunMaxPool(pool, rows, {{0, 1}, scratch}, rows), InternalError);
  scratch.pop_back();
  EXPECT_THROW(RunMaxPool({pool.shape, 3}, rows, {{0, 1}, scratch}, rows), InternalError);
}

}  // namespace
}  // namespace headroom
