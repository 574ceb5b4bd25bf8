// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/val_exported.h"

#include "headroom/cli/open_detector.h"
#include "headroom/core/file.h"
#include "headroom/deploy/detector_validation.h"
#include "headroom/detect/map_boxes.h"
#include "headroom/metrics/coco_json.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

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
  const OpenedDetector opened = OpenDetector(options, settings, detector_options);
  const DetectorValidationOptions validation{
      .image_size = options.image_width,
      .workers = std::max(1, std::min(options.workers, at::get_num_threads())),
      .single_class = options.single_cls,
      .matrix_confidence = static_cast<float>(options.conf.value_or(0.25))};
  const auto run = [&](const DetectedImage& on_image) {
    DetectorValidation result = ValidateDetector(
        *opened.detector, index, validation, budget, on_image,
        [&](std::int64_t done, std::int64_t all) { console.OnValidationProgress(done, all); },
        stop);
    return ExportedValidation{std::move(result.metrics), result.speed,
                              opened.detector->facts().names};
  };
  if (json.empty()) return run({});
  ExportedValidation result;
  WriteFileAtomic(json, [&](FileWriter& file) {
    CocoJsonWriter writer(file);
    std::vector<Detection> mapped;
    result = run([&](std::uint32_t image, std::span<const Detection> found, const Sample& sample) {
      mapped.assign(found.begin(), found.end());
      const LetterboxGeometry& g = sample.geometry;
      MapToSource(mapped,
                  {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
      writer.AddImage(index.ImagePath(image), mapped);
    });
    writer.Finish();
  });
  return result;
}

}  // namespace headroom
