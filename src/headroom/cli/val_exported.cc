// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/val_exported.h"

#include "headroom/cli/open_detector.h"
#include "headroom/cli/validation_outputs.h"
#include "headroom/deploy/detector_validation.h"
#include "headroom/monitor/runtime_reservation.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace headroom {
namespace {

// An exported model may run one image at a time: its pictures are shown as many at once as others'.
constexpr int kDrawnAtOnce = 16;

}  // namespace

ExportedValidation ValidateExported(const Options& options, const DatasetIndex& index,
                                    const Settings& settings, const std::filesystem::path& folder,
                                    Budget& budget, Console& console,
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
  const OpenedDetector opened = OpenDetector(options, settings, detector_options, &budget);
  const DetectorValidationOptions validation{
      .image_size = options.image_width,
      .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
      .single_class = options.single_cls,
      .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
  RuntimeReservation runtime(budget);
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    console.OnValidationProgress(done, all);
  };
  const auto stopped = [&] {
    runtime.Update();
    return stop();
  };
  const std::vector<std::string>& names = opened.detector->facts().names;
  ValidationOutputs outputs(options, folder, names, index, kDrawnAtOnce, budget, console);
  std::optional<DetectorValidation> result;
  outputs.During([&](const ReceiveDetections& receive) {
    result =
        ValidateDetector(*opened.detector, index, validation, &budget, receive, progress, stopped);
  });
  outputs.Finish(result->metrics, result->confusion);
  return {std::move(result->metrics), result->speed, names};
}

}  // namespace headroom
