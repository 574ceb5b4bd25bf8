// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/val_exported.h"

#include "headroom/cli/open_detector.h"
#include "headroom/cli/validation_outputs.h"
#include "headroom/core/log.h"
#include "headroom/deploy/class_choice.h"
#include "headroom/deploy/detector_validation.h"
#include "headroom/monitor/runtime_reservation.h"
#include "headroom/train/out_of_memory.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace headroom {
namespace {

// The default limit is raised to what the most crowded image holds, as Ultralytics 8.4.190 does.
int MaxDetections(const Options& options, const DatasetIndex& index) {
  const int crowded = options.max_det == 300 ? static_cast<int>(index.labels().MaxCount()) : 0;
  return std::max(options.max_det, crowded);
}

DetectorOptions MakeDetectorOptions(const Options& options, const DatasetIndex& index) {
  return {.confidence = static_cast<float>(options.conf.value_or(0.001)),
          .iou = static_cast<float>(options.iou),
          .max_detections = MaxDetections(options, index),
          .labels = LabelsPerAnchor::kAll,
          .agnostic = options.single_cls || options.agnostic_nms,
          .classes = {options.classes.begin(), options.classes.end()}};
}

DetectorValidationOptions MakeValidationOptions(const Options& options, const DatasetIndex& index) {
  return {.image_size = options.image_width,
          .batch = ValidationBatch(options),
          .rect = !options.IsTyped("rect") || options.rect,
          .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
          .max_detections = MaxDetections(options, index),
          .single_class = options.single_cls,
          .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
}

void WarnOfFixedBatch(const Options& options, const DetectorFacts& facts) {
  if (!facts.fixed_size || !options.IsTyped("batch") || ValidationBatch(options) == facts.batch)
    return;
  LogWarning(fmt::format("batch={} is not used: the model was exported for {} at a time",
                         ValidationBatch(options), facts.batch));
}

}  // namespace

ExportedValidation ValidateExported(const Options& options, const DatasetIndex& index,
                                    const Settings& settings, Budget& budget, Console& console,
                                    const std::function<bool()>& stop) {
  const OpenedDetector opened =
      OpenDetector(options, settings, MakeDetectorOptions(options, index), &budget);
  const DetectorFacts& facts = opened.detector->facts();
  WarnOfUnknownClasses(options.classes, facts.names);
  WarnOfFixedBatch(options, facts);
  RuntimeReservation runtime(budget);
  DetectorValidationEvents events;
  events.on_progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  events.stop = [&] {
    runtime.Update();
    return stop();
  };
  events.on_failure = [&](const std::exception& failure) {
    const std::optional<std::string> what = OutOfMemoryText(failure);
    if (what) MakeRoomForValidation(*what, budget, console);
    return what.has_value();
  };
  ValidationOutputs outputs(options, settings, facts.names, index, budget, console);
  std::optional<DetectorValidation> result;
  outputs.During([&](const ReceiveDetections& receive) {
    events.on_image = receive;
    result = ValidateDetector(*opened.detector, index, MakeValidationOptions(options, index),
                              events, &budget);
  });
  outputs.Finish(result->metrics, result->confusion);
  return {std::move(result->metrics), result->speed, facts.names, outputs.Summary()};
}

}  // namespace headroom
