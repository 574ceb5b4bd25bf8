// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/media_source.h"
#include "headroom/evaluate/detector.h"

#include <functional>
#include <span>
#include <vector>

namespace headroom {

struct PredictorOptions {
  ImageSize image_size{640, 640};  // Rounded up to the stride; not for detectors of fixed size.
  int batch = 1;                   // At most facts().batch for detectors of fixed size.
  int video_step = 1;
};

// One picture with what was found in it.
struct PredictedFrame {
  MediaFrame& frame;                      // The receiver may draw on its pixels.
  std::span<const Detection> detections;  // Pixels of the picture, clipped to it.
  ImageSize network;                      // The size at which the network saw it.
  double inference_ms = 0;
};

// Milliseconds of all pictures together.
struct PredictionTimes {
  std::int64_t images = 0;
  std::int64_t unreadable = 0;
  std::int64_t too_large = 0;  // Of those, for want of memory.
  double preprocess_ms = 0;
  double inference_ms = 0;
  double postprocess_ms = 0;
  double wall_seconds = 0;  // Reading and the receiver's work included.
  ImageSize network;        // Of the last picture.
};

// Runs a detector over a list of media, picture by picture: what is held is one batch, however long
// the list or a video is. Pictures of a batch that share one size are padded to a rectangle only.
class Predictor {
 public:
  // The budget holds the pictures; it may be null and must outlive the predictor.
  Predictor(Detector& detector, const PredictorOptions& options, Budget* budget = nullptr);
  // stop is asked between batches; true throws Error(kInterrupted).
  PredictionTimes Run(const MediaList& media,
                      const std::function<void(const PredictedFrame&)>& receive,
                      const std::function<bool()>& stop);

 private:
  void RunBatch(std::span<MediaFrame> frames,
                const std::function<void(const PredictedFrame&)>& receive);
  [[nodiscard]] ImageSize FillInput(std::span<MediaFrame> frames);

  Detector& detector_;
  PredictorOptions options_;
  Budget* const budget_;
  PredictionTimes times_;
  std::vector<MediaFrame> frames_;
  std::vector<Detection> mapped_;
};

}  // namespace headroom
