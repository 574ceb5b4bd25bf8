// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/predictor.h"

#include "headroom/core/error.h"
#include "headroom/detect/map_boxes.h"
#include "headroom/image/letterbox.h"

#include <algorithm>
#include <chrono>

namespace headroom {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

int RoundUp(int value, int stride) { return (value + stride - 1) / stride * stride; }

PredictorOptions Settled(PredictorOptions options, const DetectorFacts& facts) {
  if (facts.fixed_size) {
    options.image_size = facts.image_size;
    options.batch = std::min(options.batch, facts.batch);
  }
  options.image_size = {RoundUp(options.image_size.height, facts.stride),
                        RoundUp(options.image_size.width, facts.stride)};
  options.batch = std::max(options.batch, 1);
  return options;
}

}  // namespace

Predictor::Predictor(Detector& detector, const PredictorOptions& options, Budget* budget)
    : detector_(detector),
      options_(Settled(options, detector.facts())),
      budget_(budget),
      frames_(static_cast<std::size_t>(options_.batch)) {}

PredictionTimes Predictor::Run(const MediaList& media,
                               const std::function<void(const PredictedFrame&)>& receive,
                               const std::function<bool()>& stop) {
  times_ = {};
  const Clock::time_point start = Clock::now();
  MediaReader reader(media, options_.video_step, budget_);
  for (bool more = true; more;) {
    std::size_t count = 0;
    while (count < frames_.size() && (more = reader.Next(&frames_[count]))) ++count;
    if (count > 0) RunBatch(std::span(frames_).first(count), receive);
    if (stop && stop()) throw Error(ExitCode::kInterrupted, "prediction was interrupted");
  }
  times_.unreadable = reader.unreadable();
  times_.too_large = reader.too_large();
  times_.wall_seconds = MillisecondsSince(start) / 1000;
  return times_;
}

ImageSize Predictor::FillInput(std::span<MediaFrame> frames) {
  const bool same_size = std::all_of(frames.begin(), frames.end(), [&](const MediaFrame& frame) {
    return frame.bgr.size() == frames[0].bgr.size();
  });
  LetterboxOptions letterbox{.canvas = options_.image_size, .stride = detector_.facts().stride};
  if (same_size && !detector_.facts().fixed_size) letterbox.pad_to = PadTo::kStride;
  const ImageSize canvas = PlanLetterbox(frames[0].bgr.size(), letterbox).canvas;
  const std::span<std::uint8_t> input = detector_.Prepare(static_cast<int>(frames.size()), canvas);
  const std::size_t bytes = canvas.PixelBytes().count();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const MutableImageView pixels = PackedView(input.data() + i * bytes, canvas);
    Letterbox(frames[i].bgr.view(), PlanLetterbox(frames[i].bgr.size(), letterbox), pixels);
    SwapRedAndBlue(pixels);
  }
  return canvas;
}

void Predictor::RunBatch(std::span<MediaFrame> frames,
                         const std::function<void(const PredictedFrame&)>& receive) {
  Clock::time_point start = Clock::now();
  times_.network = FillInput(frames);
  times_.preprocess_ms += MillisecondsSince(start);
  start = Clock::now();
  detector_.Run();
  const double inference_ms = MillisecondsSince(start);
  times_.inference_ms += inference_ms;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    start = Clock::now();
    const std::span<const Detection> found = detector_.Detections(static_cast<int>(i));
    mapped_.assign(found.begin(), found.end());
    MapToSource(mapped_, LetterboxSourceMap(frames[i].bgr.width(), frames[i].bgr.height(),
                                            times_.network.width, times_.network.height));
    times_.postprocess_ms += MillisecondsSince(start);
    ++times_.images;
    receive(
        {frames[i], mapped_, times_.network, inference_ms / static_cast<double>(frames.size())});
  }
}

}  // namespace headroom
