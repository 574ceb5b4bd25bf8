// SPDX-License-Identifier: Apache-2.0
#include "headroom/metrics/validation_table.h"

#include "headroom/core/check.h"

#include <fmt/format.h>

#include <string_view>

namespace headroom {
namespace {

std::string Row(std::string_view name, std::uint64_t images, std::uint64_t instances,
                const std::array<double, 4>& figures) {
  std::string row = fmt::format("{:>22}{:11d}{:11d}", name, images, instances);
  for (const double figure : figures) row += fmt::format("{:11.3g}", figure);
  return row;
}

}  // namespace

std::string ValidationHeader() {
  std::string header = fmt::format("{:>22}", "Class");
  for (const char* column : {"Images", "Instances", "Box(P", "R", "mAP50", "mAP50-95)"}) {
    header += fmt::format("{:>11}", column);
  }
  return header;
}

std::string ValidationSummaryRow(const DetectionMetrics& metrics) {
  return Row("all", metrics.images, metrics.instances,
             {metrics.precision, metrics.recall, metrics.map50, metrics.map50_95});
}

std::vector<std::string> ValidationClassRows(const DetectionMetrics& metrics,
                                             std::span<const std::string> names) {
  std::vector<std::string> rows;
  for (const ClassMetrics& result : metrics.classes) {
    const auto id = static_cast<std::size_t>(result.class_id);
    HEADROOM_CHECK(id < names.size(), fmt::format("class {}, {} names", id, names.size()));
    rows.push_back(Row(names[id], result.images, result.instances,
                       {result.precision, result.recall, result.map50(), result.map50_95()}));
  }
  return rows;
}

std::string ValidationSpeedLine(const ValidationSpeed& speed) {
  return fmt::format(
      "Speed: {:.1f}ms preprocess, {:.1f}ms inference, {:.1f}ms loss, {:.1f}ms postprocess per "
      "image",
      speed.preprocess_ms, speed.inference_ms, speed.loss_ms, speed.postprocess_ms);
}

}  // namespace headroom
