// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/draw_detections.h"
#include "headroom/deploy/label_files.h"
#include "headroom/deploy/predictor.h"
#include "headroom/deploy/unique_names.h"
#include "headroom/image/video_file.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
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

// Writes what `predict` keeps, named by the stems of the sources (-2, -3, ... where they meet):
// <stem>.jpg, <stem>.avi, <stem>_frames/<stem>_<frame>.jpg, labels/<stem>[_<frame>].txt and
// crops/<class>/<stem>[_<frame>].jpg. Holds a number an image and an open video; drawing, and the
// JPEG that is being written, come out of the budget (may be null, must outlive it): pictures of a
// source that does not fit are not written, which a warning says once. Throws WriteError.
class PredictionOutput {
 public:
  PredictionOutput(const PredictionOutputOptions& options, std::vector<std::string> names,
                   Budget* budget = nullptr);
  // Draws on the frame's pixels.
  void Write(const PredictedFrame& predicted);
  // Sources whose pictures were not written for want of memory.
  [[nodiscard]] std::int64_t not_written() const { return not_written_; }
  // Of save_txt.
  [[nodiscard]] const LabelFiles& labels() const { return labels_; }

 private:
  // False, and said and counted, when there is no room to draw and write a picture of this size.
  [[nodiscard]] bool ReserveWriting(const MediaFrame& frame);
  [[nodiscard]] std::string UniqueStem(const MediaFrame& frame);
  void WriteCrops(const PredictedFrame& predicted, const std::string& stem);
  void WriteDrawn(const MediaFrame& frame, const std::string& stem);
  void WriteVideoFrame(const MediaFrame& frame, const std::string& stem);

  PredictionOutputOptions options_;
  std::vector<std::string> names_;
  Budget* const budget_;
  Reservation writing_;
  std::int64_t not_written_ = 0;
  std::size_t not_written_item_ = SIZE_MAX;  // The last of them.
  LabelFiles labels_;
  UniqueNames stems_;
  std::size_t video_item_ = SIZE_MAX;
  std::string video_stem_;
  std::optional<VideoWriter> video_;
};

}  // namespace headroom
