// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/val_exported.h"

#include "headroom/cli/open_detector.h"
#include "headroom/cli/predictions_json.h"
#include "headroom/deploy/detector_validation.h"
#include "headroom/monitor/runtime_reservation.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {

ExportedValidation ValidateExported(const Options& options, const DatasetIndex& index,
                                    const Settings& settings, const std::filesystem::path& json,
                                    Budget* budget, Console& console,
                                    const std::function<bool()>& stop) {
  const DetectorOptions detector_options{
      .confidence = static_cast<float>(options.conf.value_or(0.001)),
      .iou = static_cast<float>(options.iou),
      .max_detections =
          std::max(options.max_det,
                   options.max_det == 300 ? static_cast<int>(index.labels().MaxCount()) : 0),
      .labels = LabelsPerAnchor::kAll,
      .agnostic = options.single_cls || options.agnostic_nms,
      .classes = {options.classes.begin(), options.classes.end()}};
  const OpenedDetector opened = OpenDetector(options, settings, detector_options, budget);
  const DetectorValidationOptions validation{
      .image_size = options.image_width,
      .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
      .single_class = options.single_cls,
      .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
  RuntimeReservation runtime(*budget);
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  const auto stopped = [&] {
    runtime.Update();
    return stop();
  };
  ExportedValidation result;
  WritePredictionsJson(json, index, [&](const ReceiveDetections& receive) {
    DetectorValidation found =
        ValidateDetector(*opened.detector, index, validation, budget, receive, progress, stopped);
    result = {std::move(found.metrics), found.speed, opened.detector->facts().names};
  });
  return result;
}

}  // namespace headroom
