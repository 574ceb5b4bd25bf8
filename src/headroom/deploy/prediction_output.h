// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/draw_detections.h"
#include "headroom/deploy/predictor.h"
#include "headroom/image/video_file.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace headroom {

struct PredictionOutputOptions {
  std::filesystem::path folder;  // Of the run; must exist.
  bool save = true;              // Pictures and videos with boxes.
  bool save_frames = false;      // Frames of videos as pictures.
  bool save_txt = false;
  bool save_conf = false;  // Confidences in those lines.
  bool save_crop = false;
  DrawStyle style;
};

// Writes what `predict` keeps: <stem>.jpg (-2, -3, ... where stems meet), <stem>.avi,
// labels/<stem>.txt and crops/<class>/<stem>.jpg. Holds a number an image and an open video; the
// JPEG that is being written comes out of the budget (may be null, must outlive it). Throws
// WriteError and BudgetError.
class PredictionOutput {
 public:
  PredictionOutput(const PredictionOutputOptions& options, std::vector<std::string> names,
                   Budget* budget = nullptr);
  // Draws on the frame's pixels.
  void Write(const PredictedFrame& predicted);
  // Label files written.
  [[nodiscard]] std::int64_t label_files() const { return label_files_; }

 private:
  void ReserveEncoding(ImageSize size);
  [[nodiscard]] std::string UniqueStem(const MediaFrame& frame);
  void WriteLabels(const PredictedFrame& predicted, const std::string& stem);
  void WriteCrops(const PredictedFrame& predicted, const std::string& stem);
  void WriteVideoFrame(const MediaFrame& frame, const std::string& stem);

  PredictionOutputOptions options_;
  std::vector<std::string> names_;
  Budget* const budget_;
  Reservation encoded_;
  std::unordered_map<std::uint64_t, int> stems_;  // Hash of a stem to how many had it.
  std::size_t video_item_ = SIZE_MAX;
  std::string video_stem_;
  std::optional<VideoWriter> video_;
  std::int64_t label_files_ = 0;
};

}  // namespace headroom
