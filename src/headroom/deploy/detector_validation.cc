// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/detector_validation.h"

#include "headroom/core/error.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/metrics/match_predictions.h"
#include "headroom/metrics/match_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

LetterboxSourceOptions SourceOptions(const DetectorFacts& facts,
                                     const DetectorValidationOptions& options) {
  if (!facts.fixed_size) {
    return {.image_size = options.image_size, .batch = options.batch, .stride = facts.stride};
  }
  const auto [height, width] = facts.image_size;
  if (height != width) {
    throw ConfigError(fmt::format(
        "the model was exported for pictures of {}x{}; validation needs a square: export it with "
        "imgsz={}",
        height, width, std::max(height, width)));
  }
  return {.image_size = height, .batch = facts.batch, .stride = facts.stride, .rect = false};
}

// One validation with everything that it holds.
class Run {
 public:
  Run(Detector& detector, const DetectorValidationOptions& options,
      const LetterboxSourceOptions& source_options, std::unique_ptr<LetterboxSource> source,
      Budget* budget, const DetectedImage& on_image)
      : detector_(detector),
        on_image_(on_image),
        single_class_(options.single_class),
        batches_(source->batches()),
        loader_(std::move(source),
                {.workers = options.workers, .max_in_flight = source_options.batch}, budget),
        records_(static_cast<int>(detector.facts().names.size())),
        confusion_({.class_count = static_cast<int>(detector.facts().names.size()),
                    .confidence = options.matrix_confidence}) {
    loader_.StartEpoch(0, 0);
  }

  [[nodiscard]] std::int64_t size() const { return loader_.size(); }

  void RunBatch(std::int64_t first, std::int64_t count) {
    auto start = Clock::now();
    const ImageSize shape = batches_.ShapeOf(static_cast<std::size_t>(first));
    const std::span<std::uint8_t> input = detector_.Prepare(static_cast<int>(count), shape);
    auto* target = input.data();
    for (std::int64_t i = 0; i < count; ++i) {
      const Sample& sample = loader_.Get(first + i);
      target = std::copy(sample.pixels.begin(), sample.pixels.end(), target);
    }
    speed_.preprocess_ms += MillisecondsSince(start);
    start = Clock::now();
    detector_.Run();
    speed_.inference_ms += MillisecondsSince(start);
    start = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) Judge(loader_.Get(first + i), static_cast<int>(i));
    speed_.postprocess_ms += MillisecondsSince(start);
    loader_.Acknowledge(first + count);
  }

  DetectorValidation Result() {
    const auto count = static_cast<double>(size());
    return {ComputeMetrics(records_),
            {speed_.preprocess_ms / count, speed_.inference_ms / count, 0,
             speed_.postprocess_ms / count},
            std::move(confusion_)};
  }

 private:
  void Judge(const Sample& sample, int place) {
    const std::span<const Detection> found = detector_.Detections(place);
    detections_.assign(found.begin(), found.end());
    if (single_class_) {
      for (Detection& detection : detections_) detection.class_id = 0;
    }
    labels_.clear();
    const auto width = static_cast<float>(sample.width);
    const auto height = static_cast<float>(sample.height);
    for (const LabelBox& label : sample.labels) {
      const Xyxy box = ToXyxy(label.box);
      labels_.push_back(
          {{box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height}, label.class_id});
    }
    records_.AddImage(detections_, matcher_.Match(detections_, labels_), labels_);
    confusion_.AddImage(detections_, labels_);
    if (on_image_) on_image_(sample.image_index, detections_, sample);
  }

  Detector& detector_;
  const DetectedImage& on_image_;
  const bool single_class_;
  RectBatches batches_;
  PipelinedLoader loader_;
  PredictionMatcher matcher_;
  MatchRecords records_;
  ConfusionMatrix confusion_;
  ValidationSpeed speed_;
  std::vector<Detection> detections_;
  std::vector<TrueBox> labels_;
};

}  // namespace

DetectorValidation ValidateDetector(
    Detector& detector, const DatasetIndex& index, const DetectorValidationOptions& options,
    Budget* budget, const DetectedImage& on_image,
    const std::function<void(std::int64_t done, std::int64_t all)>& on_progress,
    const std::function<bool()>& stop) {
  const LetterboxSourceOptions source_options = SourceOptions(detector.facts(), options);
  Run run(detector, options, source_options,
          std::make_unique<LetterboxSource>(source_options, index, nullptr), budget, on_image);
  const std::int64_t batch = source_options.batch;
  for (std::int64_t first = 0; first < run.size(); first += batch) {
    run.RunBatch(first, std::min(batch, run.size() - first));
    if (on_progress) on_progress(first / batch + 1, (run.size() + batch - 1) / batch);
    if (stop && stop()) throw Error(ExitCode::kInterrupted, "validation was interrupted");
  }
  return run.Result();
}

}  // namespace headroom
