// SPDX-License-Identifier: Apache-2.0
#include "headroom/evaluate/validation_settings.h"

namespace headroom {

DetectorOptions DetectorOptionsForValidation(const Options& options, const DatasetIndex& index) {
  return {.confidence = static_cast<float>(options.conf.value_or(0.001)),
          .iou = static_cast<float>(options.iou),
          .max_detections = MaxDetections(index, options.max_det),
          .labels = LabelsPerAnchor::kAll,
          .agnostic = options.single_cls || options.agnostic_nms};
}

ValidationOptions ValidationOptionsOf(const Options& options, const DatasetIndex& index) {
  return {.image_size = options.image_width,
          .max_detections = MaxDetections(index, options.max_det),
          .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
}

bool WantsOneToOne(const Options& options) { return options.nms.has_value() && !*options.nms; }

}  // namespace headroom
