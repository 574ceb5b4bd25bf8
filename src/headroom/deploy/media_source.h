// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/data/path_table.h"
#include "headroom/image/image.h"
#include "headroom/image/image_decoder.h"
#include "headroom/image/video_file.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace headroom {

// What `source=` names: images first, then videos. About 8 bytes an image beside its name.
struct MediaList {
  PathTable images;
  std::vector<std::string> videos;
  [[nodiscard]] std::size_t size() const { return images.size() + videos.size(); }
};

// A file, a folder (not its subfolders), a pattern with * or ?, or a list (.txt, .csv: one path a
// line; relative ones are looked for beside the list too). Throws ConfigError for other sources and
// for those where there is nothing.
[[nodiscard]] MediaList FindMedia(const std::string& source);
// Of several sources, one after the other.
[[nodiscard]] MediaList FindMedia(std::span<const std::string> sources);

// One picture of a source.
struct MediaFrame {
  Image bgr;
  Reservation pixels;  // Of bgr; it grows with it.
  std::string path;
  std::size_t item = 0;          // Place in the list, from 0.
  std::int64_t frame = 0;        // Of those taken of a video, from 1; 0: an image file.
  std::int64_t frame_count = 0;  // How many will be taken, as the video says.
  double frames_per_second = 0;
};

// Goes through a list; holds one decoder or one video. Files that cannot be read, or whose pixels
// do not fit the budget, are passed over with a warning. Not thread-safe.
class MediaReader {
 public:
  // The list and the budget (may be null) must outlive it. Every video_step-th frame of videos is
  // taken.
  MediaReader(const MediaList& list, int video_step, Budget* budget);
  // Into a reused frame; false at the end.
  [[nodiscard]] bool Next(MediaFrame* frame);
  [[nodiscard]] std::int64_t unreadable() const { return unreadable_; }
  // Of those, how many for want of memory.
  [[nodiscard]] std::int64_t too_large() const { return too_large_; }

 private:
  [[nodiscard]] Status ReadImage(MediaFrame* frame);
  [[nodiscard]] Status OpenVideo(MediaFrame* frame);
  [[nodiscard]] bool NextVideoFrame(MediaFrame* frame);
  // Reserves the frame's pixels, and what reading them takes beside; counts what does not fit.
  [[nodiscard]] Status Reserve(ImageSize size, Bytes reading, MediaFrame* frame);
  void PassOver(const std::string& path, const std::string& why);

  const MediaList& list_;
  const int video_step_;
  Budget* const budget_;
  Reservation reading_;
  std::size_t item_ = 0;
  ImageDecoder decoder_;
  std::optional<VideoReader> video_;
  std::int64_t frame_ = 0;
  std::int64_t unreadable_ = 0;
  std::int64_t too_large_ = 0;
};

}  // namespace headroom
