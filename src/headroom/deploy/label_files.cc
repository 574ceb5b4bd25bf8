// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/label_files.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <vector>

namespace headroom {
namespace {

namespace fs = std::filesystem;

bool IsLabelFile(const fs::directory_entry& entry) { return entry.path().extension() == ".txt"; }

}  // namespace

void MakeResultFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw WriteError(fmt::format("cannot create {}: {}", folder.string(), error.message()));
}

LabelFiles::LabelFiles(fs::path folder, WithConfidence with_confidence)
    : folder_(std::move(folder)), with_confidence_(with_confidence) {}

fs::path LabelFiles::PathOf(const std::string& stem) const { return folder_ / (stem + ".txt"); }

void LabelFiles::RemoveAll() const {
  std::error_code error;
  std::vector<fs::path> earlier;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    if (IsLabelFile(entry)) earlier.push_back(entry.path());
  }
  for (const fs::path& path : earlier) fs::remove(path, error);
}

void LabelFiles::Write(const std::string& stem, std::span<const Detection> detections,
                       ImageSize picture) const {
  if (detections.empty()) {
    std::error_code none;
    fs::remove(PathOf(stem), none);
    return;
  }
  MakeResultFolder(folder_);
  WriteFileAtomic(PathOf(stem),
                  DetectionLines(detections, picture.width, picture.height, with_confidence_));
}

std::int64_t LabelFiles::Count() const {
  std::error_code error;
  std::int64_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error))
    count += IsLabelFile(entry) ? 1 : 0;
  return count;
}

std::optional<std::string> LabelFiles::Summary() const {
  const std::int64_t count = Count();
  if (count == 0) return std::nullopt;
  return fmt::format("{} label{} saved to {}", count, count == 1 ? "" : "s", folder_.string());
}

}  // namespace headroom
