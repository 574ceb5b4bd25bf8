// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/plot/figure.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

enum class CurveKind : std::uint8_t { kPrecisionRecall, kPrecision, kRecall, kF1 };

// "BoxPR_curve.png", "BoxP_curve.png", "BoxR_curve.png", "BoxF1_curve.png".
[[nodiscard]] std::string_view FileName(CurveKind kind);

struct MetricCurvesData {
  CurveKind kind = CurveKind::kPrecisionRecall;
  std::vector<std::string> names;  // Of the classes that have curves.
  // names.size() rows of `points` values at k / (points - 1) of recall (kPrecisionRecall) or of
  // confidence (all others).
  std::size_t points = 0;
  std::vector<float> values;
  std::vector<double> average_precision;  // At IoU 0.5 by class; for kPrecisionRecall.
  double best_confidence = 0;             // Where the mean F1 is largest; for the others.
};

// A line for each of up to 20 classes; of more, the five lowest by area and all others in grey. The
// mean is drawn thick.
[[nodiscard]] Figure MetricCurvesFigure(const MetricCurvesData& data);

}  // namespace headroom
