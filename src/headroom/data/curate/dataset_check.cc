// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/dataset_check.h"

#include "headroom/core/checksum.h"
#include "headroom/core/mapped_file.h"
#include "headroom/data/curate/dataset_writer.h"
#include "headroom/data/curate/jpeg_end.h"
#include "headroom/data/image_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;

void CountObject(const Xywh& box, ImageSize size, SizeCounts* counts) {
  const double area = static_cast<double>(box.w) * size.width * box.h * size.height;
  if (area < 32 * 32) {
    ++counts->small;
  } else if (area < 96 * 96) {
    ++counts->medium;
  } else {
    ++counts->large;
  }
}

SplitReport Describe(const std::string& name, const DatasetScan& scan, int num_classes) {
  SplitReport report{.name = name, .counts = scan.Counts()};
  const auto classes = static_cast<std::size_t>(std::max(num_classes, scan.labels.max_class() + 1));
  report.boxes_of_class.assign(classes, 0);
  report.images_of_class.assign(classes, 0);
  std::vector<std::size_t> last_image(classes, std::numeric_limits<std::size_t>::max());
  for (std::size_t image = 0; image < scan.states.size(); ++image) {
    if (!IsKept(scan.states[image])) continue;
    const auto bin = std::lower_bound(kImageSizeBins.begin(), kImageSizeBins.end(),
                                      scan.sizes[image].long_side());
    ++report.images_of_size[static_cast<std::size_t>(bin - kImageSizeBins.begin())];
    const std::uint32_t last = scan.labels.last(image);
    for (std::uint32_t box = scan.labels.first(image); box < last; ++box) {
      const auto id = static_cast<std::size_t>(scan.labels.class_id(box));
      ++report.boxes_of_class[id];
      if (std::exchange(last_image[id], image) != image) ++report.images_of_class[id];
      CountObject(scan.labels.box(box), scan.sizes[image], &report.objects);
    }
    const std::uint64_t count = last - scan.labels.first(image);
    report.boxes += count;
    report.most_boxes = std::max(report.most_boxes, count);
  }
  for (const ScanMessage& message : scan.messages) report.messages.push_back(message.text);
  report.message_count = scan.message_count;
  return report;
}

// Finds equal files among all that it was shown. Only files of equal length are read.
class DuplicateFinder {
 public:
  // True when the bytes were met before.
  bool IsDuplicate(const std::string& path, const std::string& split, DuplicateImage* duplicate) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) return false;
    Group& group = groups_[size];
    if (group.files.empty()) {
      group.files.push_back({path, split, std::nullopt});
      return false;
    }
    const std::uint64_t sum = Sum(path);
    for (File& file : group.files) {
      if (!file.sum) file.sum = Sum(file.path);
      if (*file.sum != sum) continue;
      *duplicate = {path, split, file.path, file.split};
      return true;
    }
    group.files.push_back({path, split, sum});
    return false;
  }

 private:
  struct File {
    std::string path;
    std::string split;
    std::optional<std::uint64_t> sum;
  };
  struct Group {
    std::vector<File> files;
  };
  static std::uint64_t Sum(const std::string& path) {
    const Result<MappedFile> file = MappedFile::Open(path);
    return file ? Checksum64(file->bytes().data(), file->bytes().size()) : 0;
  }
  std::unordered_map<std::uintmax_t, Group> groups_;  // By length.
};

std::string LabelText(const LabelTable& labels, std::size_t image) {
  std::string text;
  for (std::uint32_t box = labels.first(image); box < labels.last(image); ++box) {
    const LabelTable::Polygon polygon = labels.polygon(box);
    if (polygon.empty()) {
      text += LabelLine(labels.class_id(box), labels.box(box));
      continue;
    }
    text += std::to_string(labels.class_id(box));
    for (const float value : polygon) text += fmt::format(" {:.6g}", value);
    text += '\n';
  }
  return text;
}

// The image's path below the split's folder, or its file name where it came from a list.
std::string NameWithin(const std::string& path, const SplitSources& split) {
  for (const std::string& source : split.sources) {
    const fs::path relative = fs::path(path).lexically_relative(source);
    if (fs::is_directory(source) && StaysInside(relative)) return relative.string();
  }
  return fs::path(path).filename().string();
}

}  // namespace

DatasetReport CheckDataset(const DatasetCheckOptions& options) {
  DatasetReport report;
  DuplicateFinder finder;
  std::optional<DatasetWriter> writer;
  if (!options.mended.empty()) writer.emplace(options.mended);
  for (const SplitSources& split : options.splits) {
    const DatasetScan scan =
        ScanDataset(ListImages(split.sources, split.name),
                    {.num_classes = options.num_classes, .stop = options.stop});
    report.splits.push_back(Describe(split.name, scan, options.num_classes));
    std::map<std::string, int> names;
    for (std::size_t image = 0; image < scan.states.size(); ++image) {
      if (!IsKept(scan.states[image])) continue;
      const std::string path = scan.images.Path(image);
      DuplicateImage duplicate;
      if (finder.IsDuplicate(path, split.name, &duplicate)) {
        report.duplicates.push_back(std::move(duplicate));
        continue;
      }
      if (!writer) continue;
      fs::path name = NameWithin(path, split);
      if (const int met = names[name.string()]++; met > 0)
        name.replace_filename(
            fmt::format("{}-{}{}", name.stem().string(), met + 1, name.extension().string()));
      writer->AddImage(split.name, path, name.string(), LabelText(scan.labels, image));
      if (AppendMissingJpegEnd(writer->folder() / "images" / split.name / name))
        ++report.ended_jpegs;
    }
  }
  if (writer) writer->Finish(options.names);
  return report;
}

}  // namespace headroom
