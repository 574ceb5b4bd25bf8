// SPDX-License-Identifier: Apache-2.0
#include "headroom/evaluate/validation.h"

#include "headroom/core/error.h"
#include "headroom/data/letterbox_source.h"
#include "headroom/data/pipelined_loader.h"
#include "headroom/data/true_boxes.h"
#include "headroom/device/out_of_memory.h"
#include "headroom/memory/reservation.h"
#include "headroom/metrics/match_predictions.h"
#include "headroom/metrics/match_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

LetterboxSourceOptions SourceOptions(const DetectorFacts& facts, const ValidationOptions& options) {
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
  Run(Detector& detector, const DatasetIndex& index, const ValidationOptions& options,
      const ValidationEvents& events, Budget* budget, LossMeter* losses)
      : detector_(detector),
        index_(index),
        options_(options),
        events_(events),
        budget_(budget),
        losses_(losses),
        source_options_(SourceOptions(detector.facts(), options)),
        at_once_(detector.facts().fixed_size
                     ? source_options_.batch
                     : std::min<std::int64_t>(options.at_once, options.batch)),
        workers_(options.workers),
        prefetch_(options.prefetch),
        records_(ClassCount()),
        confusion_({.class_count = ClassCount(), .confidence = options.matrix_confidence}) {
    MakeLoader(0);
  }

  Validation All() {
    const std::int64_t images = loader_->size();
    const std::int64_t batch = source_options_.batch;
    for (std::int64_t first = 0; first < images; first += batch) {
      RunBatch(first, std::min(first + batch, images));
      if (losses_ != nullptr) losses_->EndBatch();
      if (events_.on_progress) events_.on_progress(first / batch + 1, (images + batch - 1) / batch);
      if (events_.stop && events_.stop())
        throw Error(ExitCode::kInterrupted, "validation was interrupted");
    }
    const auto count = static_cast<double>(images);
    return {.metrics = ComputeMetrics(records_),
            .speed = {speed_.preprocess_ms / count, speed_.inference_ms / count,
                      speed_.loss_ms / count, speed_.postprocess_ms / count},
            .confusion = std::move(confusion_),
            .images = images};
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
                              EstimateMemory(options_, index_, ClassCount()).Total());
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
        const int refused = CountFailure(failure, &failures);
        if (!MayTryAgain(failure, refused)) throw;
        if (refused > 1) TakeLess(at_once_);
      }
    }
  }

  [[nodiscard]] bool CanTakeLess() const {
    return workers_ > 1 || prefetch_ == 0 || (at_once_ > 1 && !detector_.facts().fixed_size);
  }

  [[nodiscard]] bool MayTryAgain(const std::exception& failure, int refused) const {
    const std::optional<std::string> what = OutOfMemoryText(failure);
    if (!what || !events_.on_out_of_memory || (refused > 1 && !CanTakeLess())) return false;
    return events_.on_out_of_memory(*what, refused);
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
        RunPiece(first, count);
      } catch (const std::exception& failure) {
        const int refused = CountFailure(failure, &failures);
        if (!MayTryAgain(failure, refused)) throw;
        if (refused > 1) {
          TakeLess(count);
          MakeLoader(first);
        }
        continue;
      }
      Commit(first, count);
      first += count;
      failures = 0;
    }
  }

  // Writes nothing but scratch, so it may be repeated.
  void RunPiece(std::int64_t first, std::int64_t count) {
    auto start = Clock::now();
    FillInput(first, count);
    speed_.preprocess_ms += MillisecondsSince(start);
    start = Clock::now();
    detector_.Run();
    speed_.inference_ms += MillisecondsSince(start);
    start = Clock::now();
    if (losses_ != nullptr) losses_->Measure(targets_);
    speed_.loss_ms += MillisecondsSince(start);
    start = Clock::now();
    found_.resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<const Detection> found = detector_.Detections(static_cast<int>(i));
      std::vector<Detection>& kept = found_[static_cast<std::size_t>(i)];
      kept.assign(found.begin(), found.end());
      if (!options_.single_class) continue;
      for (Detection& detection : kept) detection.class_id = 0;
    }
    speed_.postprocess_ms += MillisecondsSince(start);
  }

  void FillInput(std::int64_t first, std::int64_t count) {
    const ImageSize shape = batches_.ShapeOf(static_cast<std::size_t>(first));
    const std::span<std::uint8_t> input = detector_.Prepare(static_cast<int>(count), shape);
    auto* target = input.data();
    targets_.Clear();
    for (std::int64_t i = 0; i < count; ++i) {
      const Sample& sample = loader_->Get(first + i);
      target = std::copy(sample.pixels.begin(), sample.pixels.end(), target);
      boxes_.clear();
      AppendTrueBoxes(sample, sample.width, sample.height, &boxes_);
      targets_.AddImage(boxes_);
    }
  }

  // Counts what the piece found.
  void Commit(std::int64_t first, std::int64_t count) {
    if (losses_ != nullptr) losses_->Commit();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto start = Clock::now();
      const std::vector<Detection>& found = found_[static_cast<std::size_t>(i)];
      const std::span<const TrueBox> labels = targets_.image(i);
      records_.AddImage(found, matcher_.Match(found, labels), labels);
      confusion_.AddImage(found, labels);
      speed_.postprocess_ms += MillisecondsSince(start);
      if (!events_.on_image) continue;
      // It draws and writes, which is not the detector's time.
      const Sample& sample = loader_->Get(first + i);
      events_.on_image(sample.image_index, found, sample);
    }
    loader_->Acknowledge(first + count);
  }

  Detector& detector_;
  const DatasetIndex& index_;
  const ValidationOptions& options_;
  const ValidationEvents& events_;
  Budget* const budget_;
  LossMeter* const losses_;
  const LetterboxSourceOptions source_options_;
  std::int64_t at_once_;
  int workers_;
  int prefetch_;
  Reservation held_;
  RectBatches batches_;
  std::unique_ptr<PipelinedLoader> loader_;
  BatchTargets targets_;                       // Of the piece's images,
  std::vector<std::vector<Detection>> found_;  // and what was found in them.
  std::vector<TrueBox> boxes_;
  PredictionMatcher matcher_;
  MatchRecords records_;
  ConfusionMatrix confusion_;
  ValidationSpeed speed_;
};

}  // namespace

Validation Validate(Detector& detector, const DatasetIndex& index, const ValidationOptions& options,
                    const ValidationEvents& events, Budget* budget, LossMeter* losses) {
  return Run(detector, index, options, events, budget, losses).All();
}

MemoryNeed EstimateMemory(const ValidationOptions& options, const DatasetIndex& index,
                          int class_count) {
  return EstimateMemory(MatchRecordsOptions{.class_count = class_count,
                                            .images = index.size(),
                                            .max_detections = options.max_detections});
}

int MaxDetections(const DatasetIndex& index, int asked) {
  constexpr int kDefault = 300;
  return asked == kDefault ? std::max(kDefault, static_cast<int>(index.labels().MaxCount()))
                           : asked;
}

}  // namespace headroom
