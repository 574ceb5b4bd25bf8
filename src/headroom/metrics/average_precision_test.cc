// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/average_precision.h"

#include "headroom/core/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

MatchMask FirstThresholds(int count) { return static_cast<MatchMask>((1U << count) - 1); }

// The worked example of two classes: six detections, five labels.
MatchRecords WorkedExample() {
  MatchRecords records(2);
  std::vector<Detection> detections;
  for (int i = 0; i < 6; ++i) {
    detections.push_back({{}, 0.9F - 0.1F * static_cast<float>(i), i < 3 ? 0 : 1});
  }
  const std::vector<MatchMask> masks = {
      FirstThresholds(10), FirstThresholds(6), 0, FirstThresholds(3), 0, FirstThresholds(1)};
  const std::vector<TrueBox> labels = {{{}, 0}, {{}, 0}, {{}, 0}, {{}, 1}, {{}, 1}};
  records.AddImage(detections, masks, labels);
  return records;
}

TEST(AveragePrecision, EndsAtTheLastRecallPoint) {
  // Recall 1/3, 2/3, 2/3; precision 1, 1, 2/3.
  const std::deque<MatchRecord> records = {{0.9F, 1}, {0.8F, 1}, {0.7F, 0}};
  EXPECT_NEAR(AveragePrecision(records, 3, 0), 0.665, 1e-12);
  EXPECT_EQ(AveragePrecision(records, 3, 1), 0);
}

TEST(AveragePrecision, OfAPerfectClassIsTheReferences) {
  // At recall 1 the envelope is 0, so the last trapezoid counts half.
  EXPECT_NEAR(AveragePrecision({{0.9F, 1}, {0.8F, 1}}, 2, 0), 0.995, 1e-12);
}

TEST(ComputeMetrics, AgreesWithTheWorkedExample) {
  MatchRecords records = WorkedExample();
  const DetectionMetrics metrics = ComputeMetrics(records);
  ASSERT_EQ(metrics.classes.size(), 2U);
  const ClassMetrics& first = metrics.classes[0];
  const ClassMetrics& second = metrics.classes[1];
  EXPECT_THAT(first.average_precision, Pointwise(DoubleNear(1e-5), {.665, .665, .665, .665, .665,
                                                                    .665, .335, .335, .335, .335}));
  EXPECT_THAT(second.average_precision,
              Pointwise(DoubleNear(1e-5), {.82833, .495, .495, 0., 0., 0., 0., 0., 0., 0.}));
  EXPECT_EQ(first.true_positives, 2);
  EXPECT_EQ(first.false_positives, 1);
  EXPECT_EQ(second.true_positives, 2);
  EXPECT_EQ(second.false_positives, 1);
  EXPECT_NEAR(first.precision, 2.0 / 3, 1e-6);
  EXPECT_NEAR(first.recall, 2.0 / 3, 1e-6);
  EXPECT_NEAR(first.f1, 2.0 / 3, 1e-6);
  EXPECT_NEAR(second.precision, 2.0 / 3, 1e-6);
  EXPECT_NEAR(second.recall, 1, 1e-6);
  EXPECT_NEAR(second.f1, .8, 1e-6);
  EXPECT_NEAR(metrics.map50, (.665 + .82833) / 2, 1e-5);
  EXPECT_EQ(metrics.fitness(), metrics.map50_95);
  EXPECT_EQ(metrics.instances, 5U);
}

TEST(ComputeMetrics, IsZeroWithoutATruePositive) {
  MatchRecords records(2);
  records.AddImage(std::vector<Detection>{{{}, 0.9F, 0}}, std::vector<MatchMask>{0},
                   std::vector<TrueBox>{{{}, 0}, {{}, 1}});
  const DetectionMetrics metrics = ComputeMetrics(records);
  ASSERT_EQ(metrics.classes.size(), 2U);
  EXPECT_EQ(metrics.precision, 0);
  EXPECT_EQ(metrics.recall, 0);
  EXPECT_EQ(metrics.map50, 0);
  EXPECT_EQ(metrics.fitness(), 0);
}

TEST(ComputeMetrics, IsZeroWithNothingAtAll) {
  MatchRecords empty(3);
  EXPECT_EQ(ComputeMetrics(empty).fitness(), 0);
  MatchRecords no_labels(1);
  no_labels.AddImage(std::vector<Detection>{{{}, 0.9F, 0}}, std::vector<MatchMask>{0}, {});
  const DetectionMetrics metrics = ComputeMetrics(no_labels);
  EXPECT_EQ(metrics.images, 1U);
  EXPECT_TRUE(metrics.classes.empty());
  EXPECT_EQ(metrics.precision, 0);
}

// The textbook way: all points, sentinels, a running maximum from the right, interpolation.
double ObviousAveragePrecision(const std::deque<MatchRecord>& records, std::uint64_t labels,
                               int threshold) {
  std::vector<double> recall = {0};
  std::vector<double> precision = {1};
  double found = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    found += (records[i].mask >> threshold) & 1U;
    recall.push_back(found / (static_cast<double>(labels) + 1e-16));
    precision.push_back(found / static_cast<double>(i + 1));
  }
  recall.insert(recall.end(), {recall.back(), 1});
  precision.insert(precision.end(), {0, 0});
  for (std::size_t i = precision.size() - 1; i > 0; --i) {
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
  const auto at = [&](double x) {
    const auto right = static_cast<std::size_t>(std::upper_bound(recall.begin(), recall.end(), x) -
                                                recall.begin());
    if (right == recall.size()) return precision.back();
    const double slope =
        (precision[right] - precision[right - 1]) / (recall[right] - recall[right - 1]);
    return slope * (x - recall[right - 1]) + precision[right - 1];
  };
  double area = 0;
  for (int i = 0; i < 100; ++i) {
    const double left = i * 0.01;
    const double right = i == 99 ? 1 : (i + 1) * 0.01;
    area += (right - left) * (at(left) + at(right)) / 2;
  }
  return area;
}

TEST(AveragePrecision, EqualsTheObviousComputation) {
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {
    std::deque<MatchRecord> records;
    const auto labels = 1 + rng.Below(60);
    std::uint64_t found = 0;
    const auto count = rng.Below(150);
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool hit = found < labels && rng.Uniform() < 0.5;
      found += hit ? 1 : 0;
      records.push_back({1 - static_cast<float>(i) / 200, static_cast<MatchMask>(hit)});
    }
    EXPECT_NEAR(AveragePrecision(records, labels, 0), ObviousAveragePrecision(records, labels, 0),
                1e-12);
  }
}

TEST(ComputeMetrics, NeedCoversTheResult) {
  MatchRecords records = WorkedExample();
  const DetectionMetrics metrics = ComputeMetrics(records);
  const MetricCurves& curves = metrics.curves;
  const std::size_t floats = curves.precision.capacity() + curves.recall.capacity() +
                             curves.f1.capacity() + curves.precision_of_recall.capacity();
  const Bytes held(floats * sizeof(float) + metrics.classes.capacity() * sizeof(ClassMetrics));
  EXPECT_LE(held, EstimateMetricsMemory(2).Total());
  EXPECT_GE(held + held, EstimateMetricsMemory(2).Total());
}

}  // namespace
}  // namespace headroom
