// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/validation_table.h"

#include "headroom/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

DetectionMetrics SomeMetrics() {
  DetectionMetrics metrics;
  metrics.images = 72;
  metrics.instances = 952;
  metrics.precision = 0.81274;
  metrics.recall = 0.9;
  metrics.map50 = 1;
  metrics.map50_95 = 0.00001234;
  ClassMetrics& result = metrics.classes.emplace_back();
  result.class_id = 1;
  result.images = 70;
  result.instances = 800;
  result.precision = 0.5;
  result.average_precision.fill(0.25);
  return metrics;
}

TEST(ValidationTable, HasTheReferencesColumns) {
  EXPECT_EQ(ValidationHeader(),
            "                 Class     Images  Instances      Box(P          R      mAP50  "
            "mAP50-95)");
  EXPECT_EQ(ValidationSummaryRow(SomeMetrics()),
            "                   all         72        952      0.813        0.9          1   "
            "1.23e-05");
}

TEST(ValidationTable, HasARowForEachClassWithLabels) {
  const std::vector<std::string> names = {"RBC", "WBC"};
  EXPECT_THAT(ValidationClassRows(SomeMetrics(), names),
              ::testing::ElementsAre("                   WBC         70        800        0.5     "
                                     "     0       0.25       0.25"));
  EXPECT_THROW((void)ValidationClassRows(SomeMetrics(), std::span(names).first(1)), InternalError);
}

TEST(ValidationTable, SaysMillisecondsAnImage) {
  EXPECT_EQ(ValidationSpeedLine({0.14, 9.76, 0, 0.35}),
            "Speed: 0.1ms preprocess, 9.8ms inference, 0.0ms loss, 0.3ms postprocess per image");
}

}  // namespace
}  // namespace headroom
