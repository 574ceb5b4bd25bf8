// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/dataset_writer.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace headroom {
namespace fs = std::filesystem;
namespace {

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw WriteError(fmt::format("cannot create {}: {}", folder.string(), error.message()));
}

std::string YamlQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

DatasetWriter::DatasetWriter(fs::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  if (fs::exists(folder_, error) && !fs::is_empty(folder_, error)) {
    throw ConfigError(
        fmt::format("dst={} exists and is not empty; name a new folder", folder_.string()));
  }
  MakeFolder(folder_);
}

void DatasetWriter::AddImage(const std::string& split, const fs::path& source,
                             const std::string& name, std::string_view labels) {
  const fs::path image = folder_ / "images" / split / name;
  const fs::path label = (folder_ / "labels" / split / name).replace_extension(".txt");
  MakeFolder(image.parent_path());
  MakeFolder(label.parent_path());
  std::error_code error;
  fs::copy_file(source, image, error);
  if (error) {
    throw WriteError(
        fmt::format("cannot copy {} to {}: {}", source.string(), image.string(), error.message()));
  }
  // Of a read-only source the copy would be read-only as well.
  fs::permissions(image, fs::perms::owner_write, fs::perm_options::add, error);
  if (!labels.empty()) WriteFileAtomic(label, labels);
  ++counts_[split];
}

void DatasetWriter::Finish(std::span<const std::string> names) {
  std::string yaml;
  for (const char* split : {"train", "val", "test"}) {
    const bool stands_in = std::string_view(split) == "val" && !counts_.contains("val");
    if (counts_.contains(split) || stands_in)
      yaml += fmt::format("{}: images/{}\n", split, stands_in ? "train" : split);
  }
  yaml += "names:\n";
  for (std::size_t i = 0; i < names.size(); ++i)
    yaml += fmt::format("  {}: {}\n", i, YamlQuoted(names[i]));
  WriteFileAtomic(folder_ / "data.yaml", yaml);
}

std::string LabelLine(std::int32_t class_id, const Xywh& box) {
  return fmt::format("{} {:.6g} {:.6g} {:.6g} {:.6g}\n", class_id, box.x, box.y, box.w, box.h);
}

bool NormalizeBox(Xyxy box, double width, double height, Xywh* normalized) {
  const auto x = [&](float value) {
    return static_cast<float>(std::clamp(value / width, 0.0, 1.0));
  };
  const auto y = [&](float value) {
    return static_cast<float>(std::clamp(value / height, 0.0, 1.0));
  };
  *normalized = ToXywh(Xyxy{x(box.x1), y(box.y1), x(box.x2), y(box.y2)});
  return normalized->w > 0 && normalized->h > 0;
}

bool StaysInside(const fs::path& relative) {
  return !relative.empty() && relative.is_relative() &&
         std::none_of(relative.begin(), relative.end(),
                      [](const fs::path& part) { return part == ".."; });
}

}  // namespace headroom
