// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/detection_text.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace headroom {
namespace {

const std::vector<std::string> kNames = {"dog", "cat", "bus"};

TEST(DetectionSummary, CountsByClassId) {
  const std::array detections = {Detection{{}, 0.9F, 2}, Detection{{}, 0.8F, 0},
                                 Detection{{}, 0.7F, 2}};
  EXPECT_EQ(DetectionSummary(detections, kNames), "1 dog, 2 buss, ");
  EXPECT_EQ(DetectionSummary({}, kNames), "(no detections), ");
  EXPECT_THROW((void)DetectionSummary(std::array{Detection{{}, 0.9F, 3}}, kNames), InternalError);
}

TEST(DetectionLines, AreNormalizedCentresAndSizes) {
  const std::array detections = {Detection{{10, 20, 30, 60}, 0.87654321F, 1},
                                 Detection{{0, 0, 0.001F, 1}, 0.5F, 0}};
  EXPECT_EQ(DetectionLines(detections, 100, 300, WithConfidence::kNo),
            "1 0.2 0.133333 0.2 0.133333\n0 5e-06 0.00166667 1e-05 0.00333333\n");
  EXPECT_EQ(DetectionLines(std::span(detections).first(1), 100, 300, WithConfidence::kYes),
            "1 0.2 0.133333 0.2 0.133333 0.876543\n");
}

}  // namespace
}  // namespace headroom
