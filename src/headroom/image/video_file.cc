// SPDX-License-Identifier: Apache-2.0
#include "headroom/image/video_file.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"
#include "headroom/image/opencv_bridge.h"

#include <fmt/format.h>
#include <opencv2/videoio.hpp>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace headroom {

std::span<const std::string_view> VideoSuffixes() {
  static constexpr std::array<std::string_view, 12> kSuffixes = {
      "asf", "avi", "gif", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ts", "wmv", "webm"};
  return kSuffixes;
}

bool HasVideoSuffix(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string suffix = ToLower(path.substr(dot + 1));
  const auto suffixes = VideoSuffixes();
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

struct VideoReader::State {
  cv::VideoCapture capture;
  cv::Mat frame;
};

VideoReader::VideoReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;
VideoReader::~VideoReader() = default;

Result<VideoReader> VideoReader::Open(const std::string& path) {
  auto state = std::make_unique<State>();
  const std::string problem = internal::Quietly([&] { state->capture.open(path); });
  if (!state->capture.isOpened()) {
    return Failure{
        fmt::format("it cannot be opened as a video{}{}", problem.empty() ? "" : ": ", problem)};
  }
  return VideoReader(std::move(state));
}

std::int64_t VideoReader::frame_count() const {
  return std::max<std::int64_t>(
      0, static_cast<std::int64_t>(state_->capture.get(cv::CAP_PROP_FRAME_COUNT)));
}

double VideoReader::frames_per_second() const { return state_->capture.get(cv::CAP_PROP_FPS); }

ImageSize VideoReader::size() const {
  return {static_cast<int>(state_->capture.get(cv::CAP_PROP_FRAME_HEIGHT)),
          static_cast<int>(state_->capture.get(cv::CAP_PROP_FRAME_WIDTH))};
}

Bytes VideoReadingBytes(ImageSize size) {
  constexpr unsigned kReferences = 16;
  const Bytes codec_picture(size.PixelBytes(1).count() * 3 / 2);
  return size.PixelBytes() + codec_picture * (kReferences + std::thread::hardware_concurrency());
}

bool VideoReader::Next(int step, Image* frame) {
  bool there = false;
  const std::string problem = internal::Quietly([&] {
    for (int i = 1; i < step; ++i) {
      if (!state_->capture.grab()) return;
    }
    there = state_->capture.read(state_->frame);
  });
  const cv::Mat& mat = state_->frame;
  if (!there || !problem.empty() || mat.empty() || mat.type() != CV_8UC3) return false;
  frame->Reshape({mat.rows, mat.cols});
  mat.copyTo(internal::WrapMat(frame->view()));
  return true;
}

struct VideoWriter::State {
  cv::VideoWriter writer;
  std::string path;
  ImageSize size;
};

VideoWriter::VideoWriter(const std::filesystem::path& path, double frames_per_second,
                         ImageSize size)
    : state_(std::make_unique<State>()) {
  state_->path = path.string();
  state_->size = size;
  const std::string problem = internal::Quietly([&] {
    state_->writer.open(state_->path, cv::CAP_OPENCV_MJPEG,
                        cv::VideoWriter::fourcc('M', 'J', 'P', 'G'),
                        frames_per_second > 0 ? frames_per_second : 30, {size.width, size.height});
  });
  if (!state_->writer.isOpened()) {
    throw WriteError(fmt::format("cannot write the video {}{}{}", state_->path,
                                 problem.empty() ? "" : ": ", problem));
  }
}

VideoWriter::~VideoWriter() = default;

void VideoWriter::Write(const ImageView& bgr) {
  HEADROOM_CHECK(bgr.size() == state_->size, "a frame of another size");
  const std::string problem =
      internal::Quietly([&] { state_->writer.write(internal::WrapInput(bgr)); });
  if (!problem.empty())
    throw WriteError(fmt::format("cannot write the video {}: {}", state_->path, problem));
}

}  // namespace headroom
