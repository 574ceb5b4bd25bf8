// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/media_source.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/log.h"
#include "headroom/core/strings.h"
#include "headroom/image/image_info.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace headroom {
namespace {

namespace fs = std::filesystem;

bool IsList(const std::string& path) {
  const std::string suffix = ToLower(fs::path(path).extension().string());
  return suffix == ".txt" || suffix == ".csv";
}

void Append(const std::string& path, MediaList* list) {
  if (HasImageSuffix(path)) {
    list->images.Append(path);
  } else if (HasVideoSuffix(path)) {
    list->videos.push_back(path);
  }
}

void AppendFolder(const std::string& folder, MediaList* list) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    std::error_code unreadable;
    if (entry.is_regular_file(unreadable)) Append(entry.path().string(), list);
  }
  if (error)
    throw ConfigError(
        fmt::format("source={}: the folder cannot be read: {}", folder, error.message()));
}

void AppendPattern(const std::string& pattern, MediaList* list) {
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      std::error_code unreadable;
      if (fs::is_regular_file(found.gl_pathv[i], unreadable)) Append(found.gl_pathv[i], list);
    }
  }
  ::globfree(&found);
}

void AppendList(const std::string& file, MediaList* list) {
  const Result<std::string> text = ReadFile(file);
  if (!text) throw ConfigError("source=: " + text.error());
  std::string_view rest = *text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  const fs::path folder = fs::path(file).parent_path();
  for (std::string_view line : Split(rest, '\n')) {
    if (ToLower(file).ends_with(".csv")) line = line.substr(0, line.find(','));
    line = Trim(line);
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"')
      line = line.substr(1, line.size() - 2);
    if (line.empty()) continue;
    const fs::path path(line);
    std::error_code error;
    const bool beside = path.is_relative() && !fs::exists(path, error);
    Append((beside ? folder / path : path).lexically_normal().string(), list);
  }
}

[[noreturn]] void RefuseSource(const std::string& source) {
  const bool number = std::all_of(source.begin(), source.end(),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  std::string hint;
  if (source.find("://") != std::string::npos) hint = "; fetch it first, addresses are not opened";
  if (number) hint = "; cameras are not opened";
  if (source == "screen") hint = "; the screen is not recorded";
  throw ConfigError(
      fmt::format("source={} is no file or folder{}; a source is an image, a video, a folder, a "
                  "pattern such as 'images/*.jpg', or a .txt or .csv list of paths",
                  source, hint));
}

}  // namespace

MediaList FindMedia(const std::string& source) {
  MediaList list;
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (fs::is_directory(status)) {
    AppendFolder(source, &list);
  } else if (fs::is_regular_file(status)) {
    if (IsList(source)) {
      AppendList(source, &list);
    } else {
      Append(source, &list);
    }
  } else if (source.find_first_of("*?") != std::string::npos) {
    AppendPattern(source, &list);
  } else {
    RefuseSource(source);
  }
  if (!IsList(source)) {
    list.images.Sort();
    std::sort(list.videos.begin(), list.videos.end());
  }
  list.images.ShrinkToFit();
  if (list.size() > 0) return list;
  const std::vector<std::string> images(ImageSuffixes().begin(), ImageSuffixes().end());
  const std::vector<std::string> videos(VideoSuffixes().begin(), VideoSuffixes().end());
  throw ConfigError(fmt::format("source={} has no image ({}) and no video ({})", source,
                                Join(images, " "), Join(videos, " ")));
}

MediaList FindMedia(std::span<const std::string> sources) {
  if (sources.size() == 1) return FindMedia(sources[0]);
  MediaList all;
  for (const std::string& source : sources) {
    const MediaList list = FindMedia(source);
    for (std::size_t i = 0; i < list.images.size(); ++i) all.images.Append(list.images.Path(i));
    all.videos.insert(all.videos.end(), list.videos.begin(), list.videos.end());
  }
  all.images.ShrinkToFit();
  return all;
}

MediaReader::MediaReader(const MediaList& list, int video_step, Budget* budget)
    : list_(list), video_step_(video_step), budget_(budget) {}

bool MediaReader::Next(MediaFrame* frame) {
  while (item_ < list_.size()) {
    frame->item = item_;
    if (item_ >= list_.images.size()) {
      if (NextVideoFrame(frame)) return true;
      ++item_;
      continue;
    }
    list_.images.CopyPath(item_++, &frame->path);
    frame->frame = 0;
    const Status read = ReadImage(frame);
    if (read) return true;
    PassOver(frame->path, read.error());
  }
  return false;
}

void MediaReader::PassOver(const std::string& path, const std::string& why) {
  ++unreadable_;
  LogWarning(fmt::format("{} is passed over: {}", path, why));
}

Status MediaReader::ReadImage(MediaFrame* frame) {
  DecodeAdmission admit;
  if (budget_ != nullptr) {
    admit = [&](const ImageInfo& info, const DecodeNeed& need) -> Result<Bytes> {
      const Status fits = Reserve(info.size, need.file + need.codec, frame);
      if (!fits) return Failure{fits.error()};
      return reading_.bytes() + frame->pixels.bytes();
    };
  }
  const Result<ImageInfo> info = decoder_.Decode(frame->path, {}, admit, &frame->bgr);
  return info ? Status(Unit{}) : Failure{info.error()};
}

Status MediaReader::Reserve(ImageSize size, Bytes reading, MediaFrame* frame) {
  if (reading_.empty()) reading_ = Reservation(*budget_, MemoryTag::kDecode, Bytes());
  if (frame->pixels.empty()) frame->pixels = Reservation(*budget_, MemoryTag::kDecode, Bytes());
  const auto grow = [](Reservation& held, Bytes bytes) {
    return held.bytes() >= bytes || held.TryResize(bytes);
  };
  if (grow(reading_, reading) && grow(frame->pixels, size.PixelBytes())) return Unit{};
  ++too_large_;
  return Failure{fmt::format(
      "its {}x{} pixels take {} while they are read; {} of the limit of {} ({}) are free. Raise it "
      "with memory=",
      size.width, size.height, ToString(reading + size.PixelBytes()),
      ToString(budget_->available()), ToString(budget_->limit()), budget_->origin())};
}

Status MediaReader::OpenVideo(MediaFrame* frame) {
  Result<VideoReader> opened = VideoReader::Open(frame->path);
  if (!opened) return Failure{opened.error()};
  if (budget_ != nullptr) {
    const Status fits = Reserve(opened->size(), VideoReadingBytes(opened->size()), frame);
    if (!fits) return fits;
  }
  video_.emplace(std::move(*opened));
  frame_ = 0;
  return Unit{};
}

bool MediaReader::NextVideoFrame(MediaFrame* frame) {
  frame->path = list_.videos[item_ - list_.images.size()];
  if (!video_) {
    if (const Status opened = OpenVideo(frame); !opened) {
      PassOver(frame->path, opened.error());
      return false;
    }
  }
  frame->frame = ++frame_;
  frame->frame_count = video_->frame_count() / video_step_;
  frame->frames_per_second = video_->frames_per_second() / video_step_;
  if (video_->Next(video_step_, &frame->bgr)) return true;
  video_.reset();
  return false;
}

}  // namespace headroom
