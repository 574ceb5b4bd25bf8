// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/prediction_output.h"

#include "headroom/core/log.h"
#include "headroom/image/image_writer.h"
#include "headroom/plot/draw_boxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// A class name as a folder's name.
std::string FolderName(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name.empty() || name[0] == '.' ? "_" + name : name;
}

// The box a little larger, as the reference crops: 2 % and 10 px.
ImageView CropOf(const Image& image, const Xyxy& box) {
  const Xywh centre = ToXywh(box);
  const Xyxy wide = ToXyxy({centre.x, centre.y, centre.w * 1.02F + 10, centre.h * 1.02F + 10});
  const int x1 = std::clamp(static_cast<int>(wide.x1), 0, image.width() - 1);
  const int y1 = std::clamp(static_cast<int>(wide.y1), 0, image.height() - 1);
  const int x2 = std::clamp(static_cast<int>(wide.x2), x1 + 1, image.width());
  const int y2 = std::clamp(static_cast<int>(wide.y2), y1 + 1, image.height());
  const ImageView view = image.view();
  return {view.Row(y1) + 3 * x1, y2 - y1, x2 - x1, 3, view.row_stride};
}

// <stem>.jpg, <stem>-2.jpg, ...: the first that is not there yet, so that another picture's crop
// and an earlier run's stay. `number` of the last one that this picture got.
fs::path FreeCropPath(const fs::path& folder, const std::string& stem, int* number) {
  for (;;) {
    ++*number;
    fs::path path =
        folder / fmt::format("{}{}.jpg", stem, *number == 1 ? "" : fmt::format("-{}", *number));
    std::error_code error;
    if (!fs::exists(path, error)) return path;
  }
}

}  // namespace

PredictionOutput::PredictionOutput(const PredictionOutputOptions& options,
                                   std::vector<std::string> names, Budget* budget)
    : options_(options),
      names_(std::move(names)),
      budget_(budget),
      labels_(options.folder / "labels",
              options.save_conf ? WithConfidence::kYes : WithConfidence::kNo) {}

std::string PredictionOutput::UniqueStem(const MediaFrame& frame) {
  if (frame.frame > 0 && frame.item == video_item_) return video_stem_;
  std::string unique = stems_.Take(fs::path(frame.path).stem().string());
  if (frame.frame > 0) {
    video_item_ = frame.item;
    video_stem_ = unique;
    video_.reset();
  }
  return unique;
}

bool PredictionOutput::ReserveWriting(const MediaFrame& frame) {
  if (budget_ == nullptr) return true;
  if (writing_.empty()) writing_ = Reservation::Try(*budget_, MemoryTag::kOther, Bytes());
  const ImageSize size = frame.bgr.size();
  const Bytes most = std::max(EncodedJpegBound(size), EstimateDrawBoxesMemory(size).Total());
  if (!writing_.empty() && (most <= writing_.bytes() || writing_.TryResize(most))) return true;
  if (std::exchange(not_written_item_, frame.item) == frame.item) return false;
  ++not_written_;
  LogWarning(fmt::format(
      "{}: what was found is drawn nowhere, since a picture of {}x{} px takes up to {} while it is "
      "written; {} of the limit of {} ({}) are free. Raise it with memory=",
      frame.path, size.width, size.height, ToString(most), ToString(budget_->available()),
      ToString(budget_->limit()), budget_->origin()));
  return false;
}

void PredictionOutput::Write(const PredictedFrame& predicted) {
  MediaFrame& frame = predicted.frame;
  const bool writes =
      (options_.save || options_.save_frames || options_.save_crop) && ReserveWriting(frame);
  const std::string stem = UniqueStem(frame);
  // A picture may be called like a frame: a_1.jpg beside a.avi.
  const std::string numbered =
      frame.frame > 0 ? stems_.Free(fmt::format("{}_{}", stem, frame.frame)) : stem;
  if (options_.save_txt) labels_.Write(numbered, predicted.detections, frame.bgr.size());
  if (!writes) return;
  if (options_.save_crop) WriteCrops(predicted, numbered);
  if (!options_.save && !options_.save_frames) return;
  DrawDetections(frame.bgr.view(), predicted.detections, names_, options_.style);
  WriteDrawn(frame, stem);
}

void PredictionOutput::WriteDrawn(const MediaFrame& frame, const std::string& stem) {
  if (frame.frame == 0) {
    if (options_.save) WriteJpeg(options_.folder / (stem + ".jpg"), frame.bgr.view());
    return;
  }
  if (options_.save) WriteVideoFrame(frame, stem);
  if (!options_.save_frames) return;
  const fs::path folder = options_.folder / (stem + "_frames");
  MakeResultFolder(folder);
  WriteJpeg(folder / fmt::format("{}_{}.jpg", stem, frame.frame), frame.bgr.view());
}

void PredictionOutput::WriteCrops(const PredictedFrame& predicted, const std::string& stem) {
  std::map<std::int32_t, int> numbers;
  for (const Detection& detection : predicted.detections) {
    const fs::path folder = options_.folder / "crops" /
                            FolderName(names_[static_cast<std::size_t>(detection.class_id)]);
    MakeResultFolder(folder);
    WriteJpeg(FreeCropPath(folder, stem, &numbers[detection.class_id]),
              CropOf(predicted.frame.bgr, detection.box));
  }
}

void PredictionOutput::WriteVideoFrame(const MediaFrame& frame, const std::string& stem) {
  if (!video_)
    video_.emplace(options_.folder / (stem + ".avi"), frame.frames_per_second, frame.bgr.size());
  video_->Write(frame.bgr.view());
}

}  // namespace headroom
