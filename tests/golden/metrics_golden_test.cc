// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/average_precision.h"
#include "headroom/metrics/confusion_matrix.h"
#include "headroom/metrics/match_predictions.h"
#include "headroom/metrics/match_records.h"
#include "headroom/testing_torch/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace headroom {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

constexpr int kImages = 40;
constexpr int kClasses = 4;
constexpr double kTolerance = 1e-6;

std::filesystem::path GoldenFile() {
  return std::filesystem::path(HEADROOM_SOURCE_DIR) / "tests/data/golden/metrics.pt";
}

class MetricsGolden : public ::testing::Test {
 protected:
  MetricsGolden() : archive_(testing::ReadTensorFile(GoldenFile())) {
    for (int i = 0; i < kImages; ++i) {
      const auto labels = Labels(i);
      const auto detections = Detections(i);
      records_.AddImage(detections, matcher_.Match(detections, labels), labels);
      confusion_.AddImage(detections, labels);
    }
    metrics_ = ComputeMetrics(records_);
  }

  [[nodiscard]] std::vector<TrueBox> Labels(int image) const {
    const at::Tensor& rows = archive_.at("gt." + std::to_string(image));
    const float* row = rows.data_ptr<float>();
    std::vector<TrueBox> labels;
    for (std::int64_t i = 0; i < rows.size(0); ++i, row += 5) {
      labels.push_back({{row[1], row[2], row[3], row[4]}, static_cast<std::int32_t>(row[0])});
    }
    return labels;
  }
  [[nodiscard]] std::vector<Detection> Detections(int image) const {
    const at::Tensor& rows = archive_.at("det." + std::to_string(image));
    const float* row = rows.data_ptr<float>();
    std::vector<Detection> detections;
    for (std::int64_t i = 0; i < rows.size(0); ++i, row += 6) {
      detections.push_back(
          {{row[0], row[1], row[2], row[3]}, row[4], static_cast<std::int32_t>(row[5])});
    }
    return detections;
  }
  [[nodiscard]] std::vector<double> Values(const std::string& name) const {
    const at::Tensor values = archive_.at(name).to(at::kDouble).contiguous();
    return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
  }
  template <typename Field>
  [[nodiscard]] std::vector<double> OfClasses(Field field) const {
    std::vector<double> values;
    for (const ClassMetrics& result : metrics_.classes) {
      values.push_back(static_cast<double>(result.*field));
    }
    return values;
  }

  testing::TensorFile archive_;
  PredictionMatcher matcher_;
  MatchRecords records_{kClasses};
  ConfusionMatrix confusion_{{.class_count = kClasses}};
  DetectionMetrics metrics_;
};

TEST_F(MetricsGolden, TrueAndFalsePositivesAreExact) {
  EXPECT_EQ(OfClasses(&ClassMetrics::class_id), Values("expect.classes"));
  EXPECT_EQ(OfClasses(&ClassMetrics::true_positives), Values("expect.tp"));
  EXPECT_EQ(OfClasses(&ClassMetrics::false_positives), Values("expect.fp"));
}

TEST_F(MetricsGolden, PrecisionRecallAndF1Agree) {
  EXPECT_THAT(OfClasses(&ClassMetrics::precision),
              Pointwise(DoubleNear(kTolerance), Values("expect.p")));
  EXPECT_THAT(OfClasses(&ClassMetrics::recall),
              Pointwise(DoubleNear(kTolerance), Values("expect.r")));
  EXPECT_THAT(OfClasses(&ClassMetrics::f1), Pointwise(DoubleNear(kTolerance), Values("expect.f1")));
}

TEST_F(MetricsGolden, AveragePrecisionAgreesAtEveryThreshold) {
  std::vector<double> ap;
  for (const ClassMetrics& result : metrics_.classes) {
    ap.insert(ap.end(), result.average_precision.begin(), result.average_precision.end());
  }
  EXPECT_THAT(ap, Pointwise(DoubleNear(1e-12), Values("expect.ap")));
}

TEST_F(MetricsGolden, CurvesAgree) {
  const MetricCurves& curves = metrics_.curves;
  EXPECT_THAT(curves.precision, Pointwise(DoubleNear(kTolerance), Values("expect.p_curve")));
  EXPECT_THAT(curves.recall, Pointwise(DoubleNear(kTolerance), Values("expect.r_curve")));
  EXPECT_THAT(curves.f1, Pointwise(DoubleNear(kTolerance), Values("expect.f1_curve")));
  EXPECT_THAT(curves.precision_of_recall,
              Pointwise(DoubleNear(kTolerance), Values("expect.prec_values")));
  std::vector<double> positions;
  for (int i = 0; i < kCurvePoints; ++i) positions.push_back(CurvePosition(i));
  EXPECT_THAT(positions, Pointwise(DoubleNear(1e-15), Values("expect.x")));
}

TEST_F(MetricsGolden, ConfusionMatrixIsExact) {
  std::vector<double> counts;
  for (int predicted = 0; predicted < confusion_.side(); ++predicted) {
    for (int truth = 0; truth < confusion_.side(); ++truth) {
      counts.push_back(confusion_.at(predicted, truth));
    }
  }
  EXPECT_EQ(counts, Values("expect.confusion_matrix"));
}

TEST_F(MetricsGolden, MatchingRuleIsExact) {
  const at::Tensor& iou = archive_.at("match.iou");  // [labels, detections]
  std::vector<MatchMask> claimed(static_cast<std::size_t>(iou.size(0)));
  std::vector<double> matches;
  for (std::int64_t d = 0; d < iou.size(1); ++d) {
    std::vector<LabelOverlap> overlaps;
    for (std::int64_t l = 0; l < iou.size(0); ++l) {
      overlaps.push_back({static_cast<std::uint32_t>(l), iou[l][d].item<float>()});
    }
    const MatchMask mask = ClaimLabels(overlaps, claimed);
    for (int t = 0; t < kIouThresholdCount; ++t) matches.push_back((mask >> t) & 1);
  }
  EXPECT_EQ(matches, Values("match.tp"));
}

}  // namespace
}  // namespace headroom
