// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/result.h"
#include "headroom/image/image.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// The suffixes of video files, lower case without the dot.
[[nodiscard]] std::span<const std::string_view> VideoSuffixes();
[[nodiscard]] bool HasVideoSuffix(std::string_view path);

// Reads a video frame by frame; one frame is held. Not thread-safe.
class VideoReader {
 public:
  // Failure says why.
  [[nodiscard]] static Result<VideoReader> Open(const std::string& path);
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;
  ~VideoReader();

  // As the file says; may be 0 when it does not.
  [[nodiscard]] std::int64_t frame_count() const;
  [[nodiscard]] double frames_per_second() const;
  [[nodiscard]] ImageSize size() const;
  // The `step`-th next frame, in BGR; false at the end.
  [[nodiscard]] bool Next(int step, Image* frame);

 private:
  struct State;
  explicit VideoReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What reading frames of that size holds beside the frame that is handed out, at most: OpenCV's
// copy, and the codec's pictures (assumed: H.264's 16 references and one for each thread, 12 bits a
// pixel).
[[nodiscard]] Bytes VideoReadingBytes(ImageSize size);

// Writes a Motion-JPEG .avi. Throws WriteError. Complete after Close (or destruction).
class VideoWriter {
 public:
  VideoWriter(const std::filesystem::path& path, double frames_per_second, ImageSize size);
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  // Of the size that was given.
  void Write(const ImageView& bgr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headroom
