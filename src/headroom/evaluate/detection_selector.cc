// SPDX-License-Identifier: Apache-2.0
#include "headroom/evaluate/detection_selector.h"

namespace headroom {
namespace {

NmsOptions MakeNmsOptions(const DetectorOptions& options, int class_count) {
  return {.class_count = class_count,
          .confidence = options.confidence,
          .iou = options.iou,
          .max_detections = options.max_detections,
          .labels = options.labels,
          .agnostic = options.agnostic,
          .classes = options.classes};
}

EndToEndOptions MakeEndToEndOptions(const DetectorOptions& options, int class_count) {
  return {.class_count = class_count,
          .confidence = options.confidence,
          .max_detections = options.max_detections,
          .agnostic = options.agnostic,
          .classes = options.classes};
}

Reservation Reserve(const DetectorOptions& options, int class_count, bool end_to_end,
                    Budget* budget) {
  if (budget == nullptr) return {};
  return {*budget, MemoryTag::kValidation,
          EstimateMemory(options, class_count, end_to_end).Total()};
}

using Method = std::variant<NonMaximumSuppression, EndToEndSelection>;

Method MakeMethod(const DetectorOptions& options, int class_count, bool end_to_end) {
  if (end_to_end) return EndToEndSelection(MakeEndToEndOptions(options, class_count));
  return NonMaximumSuppression(MakeNmsOptions(options, class_count));
}

}  // namespace

MemoryNeed EstimateMemory(const DetectorOptions& options, int class_count, bool end_to_end) {
  return end_to_end ? EstimateMemory(MakeEndToEndOptions(options, class_count))
                    : EstimateMemory(MakeNmsOptions(options, class_count));
}

DetectionSelector::DetectionSelector(const DetectorOptions& options, int class_count,
                                     bool end_to_end, Budget* budget)
    : reservation_(Reserve(options, class_count, end_to_end, budget)),
      method_(MakeMethod(options, class_count, end_to_end)) {}

std::span<const Detection> DetectionSelector::Select(const HeadView& head) {
  return std::visit([&](auto& method) { return method.Run(head); }, method_);
}

std::span<const Detection> DetectionSelector::Select(const DecodedView& predictions) {
  return std::get<NonMaximumSuppression>(method_).Run(predictions);
}

std::span<const Detection> DetectionSelector::Select(std::span<const float> rows) {
  return std::get<EndToEndSelection>(method_).Filter(rows);
}

}  // namespace headroom
