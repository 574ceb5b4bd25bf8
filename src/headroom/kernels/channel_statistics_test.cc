// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/channel_statistics.h"

#include "headroom/kernels/kernel_testing.h"

#include <gmock/gmock.h>

#include <cmath>

namespace headroom {
namespace {

using testing::ForEachRowCase;
using testing::ForEachTarget;
using testing::RowCase;
using testing::TestRows;

struct Moments {
  explicit Moments(std::int64_t channels)
      : mean(static_cast<std::size_t>(channels)), m2(static_cast<std::size_t>(channels)) {
    view.mean = mean.data();
    view.squared_deviations = m2.data();
  }
  std::vector<double> mean, m2;
  ChannelMoments view;
};

double Sum_reference(const TestRows& y, IndexRange rows, std::int64_t c) {
  double sum = 0;
  for (std::int64_t r = rows.begin; r < rows.end; ++r) sum += y.At(r, c);
  return sum;
}

double Deviations_reference(const TestRows& y, IndexRange rows, std::int64_t c, double mean) {
  double sum = 0;
  for (std::int64_t r = rows.begin; r < rows.end; ++r) sum += std::pow(y.At(r, c) - mean, 2);
  return sum;
}

TEST(ChannelStatistics, AddsSumsOfARange) {
  ForEachRowCase([](const RowCase& k) {
    TestRows y(k.rows, k.channels, k.input, k.gaps);
    y.FillNormal(Rng(1), 3, 2);
    const IndexRange range{2, k.rows - 1};
    std::vector<double> sums(static_cast<std::size_t>(k.channels), 7.0);
    AddChannelSums(y, k.channels, range, sums.data());
    for (std::size_t c = 0; c < sums.size(); ++c) {
      const auto channel = static_cast<std::int64_t>(c);
      const double sum = 7 + Sum_reference(y, range, channel);
      ASSERT_NEAR(sums[c], sum, 1e-6 * sum) << c;
    }
  });
}

TEST(ChannelStatistics, MomentsOfPartsMergeToThoseOfTheWhole) {
  ForEachRowCase([](const RowCase& k) {
    TestRows y(k.rows, k.channels, k.input, k.gaps);
    y.FillNormal(Rng(2), -1, 0.5);
    Moments a(k.channels), b(k.channels);
    const std::int64_t cut = k.rows / 3;
    AddChannelMoments(y, k.channels, {0, cut}, &a.view);
    AddChannelMoments(y, k.channels, {cut, cut + 1}, &b.view);
    AddChannelMoments(y, k.channels, {cut + 1, k.rows}, &b.view);
    MergeChannelMoments(b.view, k.channels, &a.view);
    ASSERT_EQ(a.view.count, k.rows);
    const IndexRange all{0, k.rows};
    for (std::int64_t c = 0; c < k.channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double mean = Sum_reference(y, all, c) / static_cast<double>(k.rows);
      const double m2 = Deviations_reference(y, all, c, mean);
      ASSERT_NEAR(a.mean[i], mean, 1e-6) << c;
      ASSERT_NEAR(a.m2[i], m2, 2e-6 * m2) << c;
    }
  });
}

// A sum of squares less the square of the sum would have nothing left of the variance here.
TEST(ChannelStatistics, MomentsSurviveAMeanThatDwarfsTheDeviation) {
  ForEachTarget([] {
    for (const std::int64_t channels : {3, 32}) {
      TestRows y(20000, channels, ElementType::kFloat32, TestRows::Gaps::kNo);
      y.FillNormal(Rng(3), 1000, 0.01);
      Moments m(channels);
      AddChannelMoments(y, channels, {0, y.rows()}, &m.view);
      for (std::int64_t c = 0; c < channels; ++c) {
        const double mean = Sum_reference(y, {0, y.rows()}, c) / static_cast<double>(y.rows());
        const double m2 = Deviations_reference(y, {0, y.rows()}, c, mean);
        ASSERT_NEAR(m.m2[static_cast<std::size_t>(c)], m2, 1e-5 * m2);
      }
    }
  });
}

TEST(ChannelStatistics, AnEmptyRangeChangesNothing) {
  TestRows y(1, 3, ElementType::kFloat32, TestRows::Gaps::kNo);
  Moments m(3);
  AddChannelMoments(y, 3, {0, 0}, &m.view);
  EXPECT_EQ(m.view.count, 0);
  Moments other(3);
  other.view.count = 4;
  other.mean = {1, 2, 3};
  MergeChannelMoments(m.view, 3, &other.view);
  EXPECT_EQ(other.view.count, 4);
  EXPECT_THAT(other.mean, ::testing::ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace headroom
