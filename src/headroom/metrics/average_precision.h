// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/metrics/match_records.h"

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace headroom {

// Curves are sampled at this many confidences (or recalls) k / 999.
inline constexpr int kCurvePoints = 1000;
[[nodiscard]] double CurvePosition(int index);

// The figures of one class that has labels.
struct ClassMetrics {
  std::int32_t class_id = 0;
  std::uint64_t images = 0;     // With at least one label of the class.
  std::uint64_t instances = 0;  // Labels.
  // At the confidence where the mean F1 over classes is largest, IoU 0.5.
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double true_positives = 0;  // Whole numbers, from recall and precision as the reference does.
  double false_positives = 0;
  std::array<double, kIouThresholdCount> average_precision{};

  [[nodiscard]] double map50() const { return average_precision[0]; }
  [[nodiscard]] double map50_95() const;
};

// For plots: [classes with labels] x kCurvePoints, row-major, IoU 0.5.
struct MetricCurves {
  std::vector<float> precision;  // Over confidence.
  std::vector<float> recall;
  std::vector<float> f1;
  std::vector<float> precision_of_recall;  // The precision-recall curve's envelope, over recall.
};

// The figures of a validation. All 0 when nothing was found or there was nothing to find.
struct DetectionMetrics {
  std::uint64_t images = 0;
  std::uint64_t instances = 0;
  std::vector<ClassMetrics> classes;  // Those with labels, by class.
  // Means over those classes.
  double precision = 0;
  double recall = 0;
  double map50 = 0;
  double map50_95 = 0;
  double best_confidence = 0;  // Where the smoothed mean F1 is largest.
  MetricCurves curves;

  // What picks best.pt (Ultralytics 8.4.190: mAP50-95 alone).
  [[nodiscard]] double fitness() const { return map50_95; }
};

// Average precision at one threshold: area under the precision envelope by the trapezoid rule over
// 101 recalls, after the last recall point 0 (Ultralytics 8.4.190; 8.3 had a sloping tail there).
// `records` in confidence order; `labels` >= 1.
[[nodiscard]] double AveragePrecision(const std::deque<MatchRecord>& records, std::uint64_t labels,
                                      int threshold_index);

// Sorts the records and computes all figures. Beside its result it holds 40 kB, whatever the number
// of records.
[[nodiscard]] DetectionMetrics ComputeMetrics(MatchRecords& records);

// The result of ComputeMetrics: 16 kB a class.
[[nodiscard]] MemoryNeed EstimateMetricsMemory(int class_count);

}  // namespace headroom
