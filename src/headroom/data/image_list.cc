// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/image_list.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/image/image_info.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// Folders of the way down: a link to one of them would be followed for ever.
using FolderIds = std::vector<std::pair<dev_t, ino_t>>;

void SearchFolder(const fs::path& folder, FolderIds* way, PathTable* images) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return;
  const std::pair id(info.st_dev, info.st_ino);
  if (std::find(way->begin(), way->end(), id) != way->end()) return;
  way->push_back(id);
  std::error_code error;
  std::vector<fs::path> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string& path = entry.path().native();
    if (path[path.rfind('/') + 1] == '.') continue;
    std::error_code unreadable;
    if (entry.is_directory(unreadable)) {
      folders.push_back(entry.path());
    } else if (HasImageSuffix(path) && entry.is_regular_file(unreadable)) {
      images->Append(path);
    }
  }
  if (error) {
    throw DataError(fmt::format("cannot search folder {}: {}", folder.string(), error.message()));
  }
  for (const fs::path& inner : folders) SearchFolder(inner, way, images);
  way->pop_back();
}

void ReadList(const fs::path& list, PathTable* images) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const Result<std::string> text = ReadFile(list);
  if (!text.ok()) throw DataError(text.error());
  std::string_view lines = *text;
  if (lines.starts_with(kByteOrderMark)) lines.remove_prefix(kByteOrderMark.size());
  const std::string folder = list.parent_path().empty() ? "" : list.parent_path().string() + "/";
  for (const std::string_view untrimmed : Split(lines, '\n')) {
    std::string_view line = Trim(untrimmed);
    if (!HasImageSuffix(line)) continue;
    if (line.starts_with("./")) {
      line.remove_prefix(2);
      images->Append(folder + std::string(line));
    } else {
      images->Append(line);
    }
  }
}

std::string WithoutFinalSlash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

PathTable ListImages(std::span<const std::string> sources, std::string_view split) {
  PathTable images;
  for (const std::string& source : sources) {
    const fs::path path = WithoutFinalSlash(source);
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) {
      FolderIds way;
      SearchFolder(path, &way, &images);
    } else if (fs::is_regular_file(status)) {
      ReadList(path, &images);
    } else {
      throw DataError(
          fmt::format("{}: {} does not exist: it must be a folder of images or a text "
                      "file that lists them; correct the path in the data YAML",
                      split, source));
    }
  }
  if (images.size() == 0) {
    const std::string looked_in = sources.empty() ? "no source" : Join(sources, ", ");
    std::vector<std::string> suffixes(ImageSuffixes().begin(), ImageSuffixes().end());
    throw DataError(fmt::format("{}: no image in {}: files must end in one of {}", split, looked_in,
                                Join(suffixes, " ")));
  }
  images.Sort();
  images.ShrinkToFit();
  return images;
}

std::string LabelPathOf(std::string_view image_path) {
  std::string path;
  LabelPathOf(image_path, &path);
  return path;
}

void LabelPathOf(std::string_view image_path, std::string* label_path) {
  constexpr std::string_view kImages = "/images/";
  *label_path = image_path;
  const std::size_t at = label_path->rfind(kImages);
  if (at != std::string::npos) label_path->replace(at, kImages.size(), "/labels/");
  const std::size_t dot = label_path->rfind('.');
  const std::size_t slash = label_path->rfind('/');
  if (dot != std::string::npos && (slash == std::string::npos || dot > slash))
    label_path->resize(dot);
  *label_path += ".txt";
}

}  // namespace headroom
