// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/detector_validation.h"

#include "headroom/core/error.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/memory/reservation.h"
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

constexpr std::int64_t kMostAtOnce = 16;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

LetterboxSourceOptions SourceOptions(const DetectorFacts& facts,
                                     const DetectorValidationOptions& options) {
  if (!facts.fixed_size) {
    return {.image_size = options.image_size,
            .batch = options.batch,
            .stride = facts.stride,
            .rect = options.rect};
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
  Run(Detector& detector, const DatasetIndex& index, const DetectorValidationOptions& options,
      const DetectorValidationEvents& events, Budget* budget)
      : detector_(detector),
        index_(index),
        options_(options),
        events_(events),
        budget_(budget),
        source_options_(SourceOptions(detector.facts(), options)),
        at_once_(detector.facts().fixed_size ? source_options_.batch
                                             : std::min<std::int64_t>(options.batch, kMostAtOnce)),
        workers_(options.workers),
        records_(ClassCount()),
        confusion_({.class_count = ClassCount(), .confidence = options.matrix_confidence}) {
    MakeLoader(0);
  }

  DetectorValidation All() {
    const std::int64_t images = loader_->size();
    const std::int64_t batch = source_options_.batch;
    for (std::int64_t first = 0; first < images; first += batch) {
      RunBatch(first, std::min(first + batch, images));
      if (events_.on_progress) events_.on_progress(first / batch + 1, (images + batch - 1) / batch);
      if (events_.stop && events_.stop())
        throw Error(ExitCode::kInterrupted, "validation was interrupted");
    }
    const auto count = static_cast<double>(images);
    return {ComputeMetrics(records_),
            {speed_.preprocess_ms / count, speed_.inference_ms / count, 0,
             speed_.postprocess_ms / count},
            std::move(confusion_)};
  }

 private:
  [[nodiscard]] int ClassCount() const { return static_cast<int>(detector_.facts().names.size()); }

  // From image `first` on, as small as the failures so far say. The old loader goes first.
  void MakeLoader(std::int64_t first) {
    for (int failures = 0;;) {
      try {
        loader_.reset();
        if (budget_ != nullptr && held_.empty()) {
          held_ = Reservation(*budget_, MemoryTag::kValidation,
                              EstimateMemory(options_, index_, detector_.facts()).Total());
        }
        auto source = std::make_unique<LetterboxSource>(source_options_, index_, nullptr);
        batches_ = source->batches();
        const auto most = std::min<std::int64_t>(at_once_, source->size());
        loader_ =
            std::make_unique<PipelinedLoader>(std::move(source),
                                              LoaderOptions{.workers = workers_,
                                                            .max_in_flight = static_cast<int>(most),
                                                            .prefetch = prefetch_},
                                              budget_);
        return loader_->StartEpoch(0, first);
      } catch (const std::exception& failure) {
        if (!MayTryAgain(failure, ++failures)) throw;
        if (failures > 1) TakeLess(at_once_);
      }
    }
  }

  [[nodiscard]] bool CanTakeLess() const {
    return workers_ > 1 || prefetch_ == 0 || (at_once_ > 1 && !detector_.facts().fixed_size);
  }

  [[nodiscard]] bool MayTryAgain(const std::exception& failure, int failures) const {
    if (!events_.on_failure || (failures > 1 && !CanTakeLess())) return false;
    return events_.on_failure(failure);
  }

  void TakeLess(std::int64_t count) {
    if (!detector_.facts().fixed_size) at_once_ = (count + 1) / 2;
    workers_ = std::min(workers_, std::max(workers_ / 2, 1));
    prefetch_ = std::max(workers_, 2);
  }

  void RunBatch(std::int64_t first, std::int64_t end) {
    int failures = 0;
    while (first < end) {
      const std::int64_t count = std::min(at_once_, end - first);
      try {
        Detect(first, count);
      } catch (const std::exception& failure) {
        if (!MayTryAgain(failure, ++failures)) throw;
        if (failures > 1) {
          TakeLess(count);
          MakeLoader(first);
        }
        continue;
      }
      for (std::int64_t i = 0; i < count; ++i) Judge(loader_->Get(first + i), static_cast<int>(i));
      first += count;
      loader_->Acknowledge(first);
      failures = 0;
    }
  }

  // Counts nothing yet, so it may be repeated.
  void Detect(std::int64_t first, std::int64_t count) {
    auto start = Clock::now();
    const ImageSize shape = batches_.ShapeOf(static_cast<std::size_t>(first));
    const std::span<std::uint8_t> input = detector_.Prepare(static_cast<int>(count), shape);
    auto* target = input.data();
    for (std::int64_t i = 0; i < count; ++i) {
      const Sample& sample = loader_->Get(first + i);
      target = std::copy(sample.pixels.begin(), sample.pixels.end(), target);
    }
    speed_.preprocess_ms += MillisecondsSince(start);
    start = Clock::now();
    detector_.Run();
    speed_.inference_ms += MillisecondsSince(start);
  }

  void Judge(const Sample& sample, int place) {
    const auto start = Clock::now();
    const std::span<const Detection> found = detector_.Detections(place);
    detections_.assign(found.begin(), found.end());
    if (options_.single_class) {
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
    speed_.postprocess_ms += MillisecondsSince(start);
    // It draws and writes, which is not the detector's time.
    if (events_.on_image) events_.on_image(sample.image_index, detections_, sample);
  }

  Detector& detector_;
  const DatasetIndex& index_;
  const DetectorValidationOptions& options_;
  const DetectorValidationEvents& events_;
  Budget* const budget_;
  const LetterboxSourceOptions source_options_;
  std::int64_t at_once_;
  int workers_;
  int prefetch_ = 0;  // By the workers.
  Reservation held_;
  RectBatches batches_;
  std::unique_ptr<PipelinedLoader> loader_;
  PredictionMatcher matcher_;
  MatchRecords records_;
  ConfusionMatrix confusion_;
  ValidationSpeed speed_;
  std::vector<Detection> detections_;
  std::vector<TrueBox> labels_;
};

}  // namespace

DetectorValidation ValidateDetector(Detector& detector, const DatasetIndex& index,
                                    const DetectorValidationOptions& options,
                                    const DetectorValidationEvents& events, Budget* budget) {
  return Run(detector, index, options, events, budget).All();
}

MemoryNeed EstimateMemory(const DetectorValidationOptions& options, const DatasetIndex& index,
                          const DetectorFacts& facts) {
  return EstimateMemory(MatchRecordsOptions{.class_count = static_cast<int>(facts.names.size()),
                                            .images = index.size(),
                                            .max_detections = options.max_detections});
}

}  // namespace headroom
