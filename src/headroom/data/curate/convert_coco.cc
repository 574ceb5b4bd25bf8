// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/strings.h"
#include "headroom/data/curate/coco_annotations.h"
#include "headroom/data/curate/convert_dataset.h"
#include "headroom/data/curate/dataset_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

namespace headroom {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxMessages = 20;

std::vector<fs::path> FindAnnotationFiles(const fs::path& src) {
  if (fs::is_regular_file(src)) return {src};
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(src, error), end; it != end; it.increment(error)) {
    if (error) break;
    if (it.depth() > 2) it.disable_recursion_pending();
    const std::string name = it->path().filename().string();
    // captions_*.json and person_keypoints_*.json describe the same images once more.
    const bool other = name.starts_with("captions") || name.starts_with("person_keypoints");
    if (it->path().extension() == ".json" && !other) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty())
    throw DataError(
        fmt::format("src={}: no .json file in it; name the annotation file or the "
                    "folder that has annotations/",
                    src.string()));
  return files;
}

// instances_train2017 -> train2017; _annotations.coco -> the folder's name.
std::string SetName(const fs::path& file) {
  const std::string stem = file.stem().string();
  if (stem.starts_with("_annotations")) return file.parent_path().filename().string();
  const std::string prefix = "instances_";
  return stem.starts_with(prefix) ? stem.substr(prefix.size()) : stem;
}

std::string SplitOf(const std::string& set) {
  const std::string name = ToLower(set);
  if (name.find("val") != std::string::npos) return "val";
  if (name.find("test") != std::string::npos) return "test";
  return "train";
}

std::optional<fs::path> FindImage(const fs::path& file, const std::string& name) {
  const fs::path here = file.parent_path();
  const fs::path above = here.parent_path();
  const std::string set = SetName(file);
  for (const fs::path& folder : {here, above / set, above / "images" / set, above / "images", above,
                                 here / "images", here / set}) {
    std::error_code error;
    if (fs::is_regular_file(folder / name, error)) return folder / name;
  }
  return std::nullopt;
}

class CocoConverter {
 public:
  explicit CocoConverter(const fs::path& dst) : writer_(dst) {}

  void Add(const fs::path& file, const std::function<void(std::int64_t)>& on_image) {
    const Result<CocoAnnotations> read = ReadCocoAnnotations(file);
    if (!read) throw DataError(read.error());
    std::map<std::int64_t, std::int32_t> classes;
    for (const CocoAnnotations::Category& category : read->categories)
      classes[category.id] = ClassOf(category.name);
    const std::string split = SplitOf(SetName(file));
    for (const CocoAnnotations::Image& image : read->images) {
      const std::optional<fs::path> source =
          StaysInside(image.file_name) ? FindImage(file, image.file_name) : std::nullopt;
      if (!source || !seen_.insert(split + "/" + image.file_name).second) {
        ++report_.missing_images;
        Tell(fmt::format("{}: image '{}' {}", file.string(), image.file_name,
                         source ? "is named twice" : "was not found"));
        continue;
      }
      writer_.AddImage(split, *source, image.file_name, Labels(*read, image, classes));
      if (on_image) on_image(++written_);
    }
  }

  ConvertReport Finish() {
    writer_.Finish(report_.names);
    report_.images = writer_.counts();
    return std::move(report_);
  }

 private:
  std::int32_t ClassOf(const std::string& name) {
    const auto found = std::find(report_.names.begin(), report_.names.end(), name);
    const auto index = found - report_.names.begin();
    if (found == report_.names.end()) report_.names.push_back(name);
    return static_cast<std::int32_t>(index);
  }

  std::string Labels(const CocoAnnotations& all, const CocoAnnotations::Image& image,
                     const std::map<std::int64_t, std::int32_t>& classes) {
    struct ById {
      bool operator()(const CocoAnnotations::Box& box, std::int64_t id) const {
        return box.image_id < id;
      }
      bool operator()(std::int64_t id, const CocoAnnotations::Box& box) const {
        return id < box.image_id;
      }
    };
    const auto [first, last] =
        std::equal_range(all.boxes.begin(), all.boxes.end(), image.id, ById());
    std::string text;
    for (auto box = first; box != last; ++box) {
      const auto& [x, y, w, h] = box->xywh;
      const auto class_id = classes.find(box->category_id);
      Xywh normalized;
      const bool good = !box->crowd && class_id != classes.end() && image.width > 0 &&
                        image.height > 0 &&
                        NormalizeBox({x, y, x + w, y + h}, image.width, image.height, &normalized);
      if (!good) {
        ++report_.skipped_boxes;
        continue;
      }
      text += LabelLine(class_id->second, normalized);
      ++report_.boxes;
    }
    return text;
  }

  void Tell(const std::string& message) {
    if (report_.messages.size() < kMaxMessages) report_.messages.push_back(message);
  }

  DatasetWriter writer_;
  ConvertReport report_;
  std::set<std::string> seen_;
  std::int64_t written_ = 0;
};

}  // namespace

ConvertReport ConvertCoco(const fs::path& src, const fs::path& dst,
                          const std::function<void(std::int64_t)>& on_image) {
  const std::vector<fs::path> files = FindAnnotationFiles(src);
  CocoConverter converter(dst);
  for (const fs::path& file : files) converter.Add(file, on_image);
  return converter.Finish();
}

}  // namespace headroom
