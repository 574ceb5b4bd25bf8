// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/prediction_output.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/detect/detection_text.h"
#include "headroom/image/image_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw WriteError(fmt::format("cannot create {}: {}", folder.string(), error.message()));
}

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

}  // namespace

PredictionOutput::PredictionOutput(const PredictionOutputOptions& options,
                                   std::vector<std::string> names, Budget* budget)
    : options_(options), names_(std::move(names)), budget_(budget) {
  if (options_.save_txt) MakeFolder(options_.folder / "labels");
}

std::string PredictionOutput::UniqueStem(const MediaFrame& frame) {
  if (frame.frame > 0 && frame.item == video_item_) return video_stem_;
  const std::string stem = fs::path(frame.path).stem().string();
  const int count = ++stems_[std::hash<std::string>()(stem)];
  std::string unique = count == 1 ? stem : fmt::format("{}-{}", stem, count);
  if (frame.frame > 0) {
    video_item_ = frame.item;
    video_stem_ = unique;
    video_.reset();
  }
  return unique;
}

void PredictionOutput::ReserveEncoding(ImageSize size) {
  if (budget_ == nullptr) return;
  if (encoded_.empty()) encoded_ = Reservation(*budget_, MemoryTag::kOther, Bytes());
  const Bytes most = EncodedJpegBound(size);
  if (most > encoded_.bytes()) encoded_.Resize(most);
}

void PredictionOutput::Write(const PredictedFrame& predicted) {
  MediaFrame& frame = predicted.frame;
  if (options_.save || options_.save_frames || options_.save_crop)
    ReserveEncoding(frame.bgr.size());
  const std::string stem = UniqueStem(frame);
  const std::string numbered = frame.frame > 0 ? fmt::format("{}_{}", stem, frame.frame) : stem;
  if (options_.save_txt) WriteLabels(predicted, numbered);
  if (options_.save_crop) WriteCrops(predicted, numbered);
  if (!options_.save && !options_.save_frames) return;
  DrawDetections(frame.bgr.view(), predicted.detections, names_, options_.style);
  if (frame.frame == 0) {
    if (options_.save) WriteJpeg(options_.folder / (stem + ".jpg"), frame.bgr.view());
    return;
  }
  if (options_.save) WriteVideoFrame(frame, stem);
  if (options_.save_frames) {
    const fs::path folder = options_.folder / (stem + "_frames");
    MakeFolder(folder);
    WriteJpeg(folder / fmt::format("{}.jpg", frame.frame), frame.bgr.view());
  }
}

void PredictionOutput::WriteLabels(const PredictedFrame& predicted, const std::string& stem) {
  const fs::path path = options_.folder / "labels" / (stem + ".txt");
  if (predicted.detections.empty()) {
    std::error_code none;
    fs::remove(path, none);  // Of an earlier run with exist_ok.
    return;
  }
  const Image& image = predicted.frame.bgr;
  WriteFileAtomic(path,
                  DetectionLines(predicted.detections, image.width(), image.height(),
                                 options_.save_conf ? WithConfidence::kYes : WithConfidence::kNo));
  ++label_files_;
}

void PredictionOutput::WriteCrops(const PredictedFrame& predicted, const std::string& stem) {
  std::map<std::int32_t, int> counts;
  for (const Detection& detection : predicted.detections) {
    const fs::path folder = options_.folder / "crops" /
                            FolderName(names_[static_cast<std::size_t>(detection.class_id)]);
    const int count = ++counts[detection.class_id];
    MakeFolder(folder);
    WriteJpeg(folder / (stem + (count == 1 ? "" : std::to_string(count)) + ".jpg"),
              CropOf(predicted.frame.bgr, detection.box));
  }
}

void PredictionOutput::WriteVideoFrame(const MediaFrame& frame, const std::string& stem) {
  if (!video_)
    video_.emplace(options_.folder / (stem + ".avi"), frame.frames_per_second, frame.bgr.size());
  video_->Write(frame.bgr.view());
}

}  // namespace headroom
