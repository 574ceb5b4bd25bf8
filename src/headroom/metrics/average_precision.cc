// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/average_precision.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace headroom {
namespace {

// Keeps 0/0 at 0 in F1 and recall, as the reference does.
constexpr double kEpsilon = 1e-16;
constexpr int kRecallPoints = 101;
// Box filter over the mean F1: 0.1 of the curve on each side.
constexpr int kSmoothingTaps = 101;

// k / (points - 1), by the same multiplication as NumPy's linspace: a recall that equals a grid
// point must fall on the same side of it.
double GridPoint(int index, int points) {
  if (index == points - 1) return 1;
  return index * (1.0 / (points - 1));
}

// The precision envelope as a function of recall, sampled at grid[i] = GridPoint(i, grid.size()):
// the best precision of any true positive whose recall is above grid[i]. That is what
// interpolating between all (recall, precision) points after a running maximum from the right
// gives, since the envelope is constant between two true positives; it needs no arrays.
void PrecisionEnvelope(const std::deque<MatchRecord>& records, std::uint64_t labels,
                       int threshold_index, std::span<double> grid) {
  std::fill(grid.begin(), grid.end(), 0.0);
  const auto points = static_cast<int>(grid.size());
  const double denominator = static_cast<double>(labels) + kEpsilon;
  std::uint64_t seen = 0;
  std::uint64_t found = 0;
  int below = -1;  // The last grid point below the recall so far.
  for (const MatchRecord& record : records) {
    ++seen;
    if (((record.mask >> threshold_index) & 1U) == 0) continue;
    ++found;
    const double recall = static_cast<double>(found) / denominator;
    while (below + 1 < points && GridPoint(below + 1, points) < recall) ++below;
    double& best = grid[static_cast<std::size_t>(below)];
    best = std::max(best, static_cast<double>(found) / static_cast<double>(seen));
  }
  for (int i = points - 2; i >= 0; --i) {
    grid[static_cast<std::size_t>(i)] =
        std::max(grid[static_cast<std::size_t>(i)], grid[static_cast<std::size_t>(i) + 1]);
  }
}

// Precision and recall at IoU 0.5 over confidence, linear between two records; above the highest
// confidence precision is 1 and recall 0.
void ConfidenceCurves(const std::deque<MatchRecord>& records, std::uint64_t labels,
                      std::span<float> precision, std::span<float> recall) {
  struct Point {
    double confidence = 0;
    double precision = 0;
    double recall = 0;
  };
  const double denominator = static_cast<double>(labels) + kEpsilon;
  std::size_t next = 0;  // The first record below the position.
  std::uint64_t found = 0;
  const auto after = [&](std::size_t index, std::uint64_t found_before) -> Point {
    const double hits = static_cast<double>(found_before) + (records[index].mask & 1U);
    return {records[index].confidence, hits / static_cast<double>(index + 1), hits / denominator};
  };
  Point last;
  for (int k = kCurvePoints - 1; k >= 0; --k) {
    const double position = CurvePosition(k);
    while (next < records.size() && records[next].confidence >= position) {
      last = after(next, found);
      found += records[next].mask & 1U;
      ++next;
    }
    Point value = next == 0 ? Point{position, 1, 0} : last;
    if (next > 0 && next < records.size()) {
      const Point low = after(next, found);
      const double part = (last.confidence - position) / (last.confidence - low.confidence);
      value.precision += part * (low.precision - last.precision);
      value.recall += part * (low.recall - last.recall);
    }
    precision[static_cast<std::size_t>(k)] = static_cast<float>(value.precision);
    recall[static_cast<std::size_t>(k)] = static_cast<float>(value.recall);
  }
}

// The index of the largest value after a box filter whose window repeats the ends.
int SmoothedMaximum(std::span<const double> curve) {
  constexpr int kHalf = kSmoothingTaps / 2;
  const auto points = static_cast<int>(curve.size());
  int best = 0;
  double best_sum = -1;
  for (int i = 0; i < points; ++i) {
    double sum = 0;
    for (int j = i - kHalf; j <= i + kHalf; ++j) {
      sum += curve[static_cast<std::size_t>(std::clamp(j, 0, points - 1))];
    }
    // A plateau counts from its start, whatever the last bits of its sums.
    if (sum > best_sum + 1e-9) {
      best = i;
      best_sum = sum;
    }
  }
  return best;
}

std::span<float> Row(std::vector<float>& curve, std::size_t row) {
  return std::span(curve).subspan(row * kCurvePoints, kCurvePoints);
}

// Curves and average precision of one class into row `row`.
void AddClass(const MatchRecords& records, int class_id, DetectionMetrics& metrics) {
  const std::size_t row = metrics.classes.size();
  ClassMetrics& result = metrics.classes.emplace_back();
  result.class_id = class_id;
  result.images = records.images_with(class_id);
  result.instances = records.labels(class_id);
  metrics.instances += result.instances;

  MetricCurves& curves = metrics.curves;
  for (auto* curve : {&curves.precision, &curves.recall, &curves.f1, &curves.precision_of_recall}) {
    curve->resize(curve->size() + kCurvePoints);
  }
  const std::deque<MatchRecord>& of_class = records.records(class_id);
  if (of_class.empty()) return;  // The reference leaves the whole row 0, precision too.
  for (int t = 0; t < kIouThresholdCount; ++t) {
    result.average_precision[static_cast<std::size_t>(t)] =
        AveragePrecision(of_class, result.instances, t);
  }
  ConfidenceCurves(of_class, result.instances, Row(curves.precision, row), Row(curves.recall, row));
  std::array<double, kCurvePoints> envelope{};
  PrecisionEnvelope(of_class, result.instances, 0, envelope);
  std::transform(envelope.begin(), envelope.end(), Row(curves.precision_of_recall, row).begin(),
                 [](double value) { return static_cast<float>(value); });
}

double F1(double precision, double recall) {
  return 2 * precision * recall / (precision + recall + kEpsilon);
}

// The mean F1 over classes, and each class's F1 curve.
std::vector<double> MeanF1(DetectionMetrics& metrics) {
  std::vector<double> mean(kCurvePoints);
  MetricCurves& curves = metrics.curves;
  for (std::size_t i = 0; i < curves.f1.size(); ++i) {
    const double f1 = F1(curves.precision[i], curves.recall[i]);
    curves.f1[i] = static_cast<float>(f1);
    mean[i % kCurvePoints] += f1 / static_cast<double>(metrics.classes.size());
  }
  return mean;
}

// Precision, recall and counts of every class at point `best` of the curves, and all means.
void ReportAt(int best, DetectionMetrics& metrics) {
  metrics.best_confidence = CurvePosition(best);
  const auto classes = static_cast<double>(metrics.classes.size());
  std::size_t point = static_cast<std::size_t>(best);
  for (ClassMetrics& result : metrics.classes) {
    result.precision = metrics.curves.precision[point];
    result.recall = metrics.curves.recall[point];
    result.f1 = metrics.curves.f1[point];
    result.true_positives = std::nearbyint(result.recall * static_cast<double>(result.instances));
    result.false_positives = std::nearbyint(result.true_positives / (result.precision + kEpsilon) -
                                            result.true_positives);
    metrics.precision += result.precision / classes;
    metrics.recall += result.recall / classes;
    metrics.map50 += result.map50() / classes;
    metrics.map50_95 += result.map50_95() / classes;
    point += kCurvePoints;
  }
}

}  // namespace

double CurvePosition(int index) { return GridPoint(index, kCurvePoints); }

double ClassMetrics::map50_95() const {
  return std::accumulate(average_precision.begin(), average_precision.end(), 0.0) /
         kIouThresholdCount;
}

double AveragePrecision(const std::deque<MatchRecord>& records, std::uint64_t labels,
                        int threshold_index) {
  std::array<double, kRecallPoints> precision{};
  PrecisionEnvelope(records, labels, threshold_index, precision);
  double area = 0;
  for (int i = 0; i + 1 < kRecallPoints; ++i) {
    const double width = GridPoint(i + 1, kRecallPoints) - GridPoint(i, kRecallPoints);
    const auto at = static_cast<std::size_t>(i);
    area += width * (precision[at] + precision[at + 1]) / 2;
  }
  return area;
}

DetectionMetrics ComputeMetrics(MatchRecords& records) {
  records.SortByConfidence();
  DetectionMetrics metrics;
  metrics.images = records.images();
  std::size_t with_labels = 0;
  for (int c = 0; c < records.class_count(); ++c) with_labels += records.labels(c) > 0 ? 1 : 0;
  MetricCurves& curves = metrics.curves;
  for (auto* curve : {&curves.precision, &curves.recall, &curves.f1, &curves.precision_of_recall}) {
    curve->reserve(with_labels * kCurvePoints);
  }
  metrics.classes.reserve(with_labels);
  for (int c = 0; c < records.class_count(); ++c) {
    if (records.labels(c) > 0) AddClass(records, c, metrics);
  }
  if (!metrics.classes.empty()) ReportAt(SmoothedMaximum(MeanF1(metrics)), metrics);
  return metrics;
}

MemoryNeed EstimateMetricsMemory(int class_count) {
  constexpr std::uint64_t kOfClass = sizeof(ClassMetrics) + 4 * kCurvePoints * sizeof(float);
  constexpr std::uint64_t kScratch = 2 * kCurvePoints * sizeof(double);
  return {MemoryTag::kValidation,
          Bytes::Of(static_cast<std::uint64_t>(class_count), kOfClass) + Bytes(kScratch)};
}

}  // namespace headroom
