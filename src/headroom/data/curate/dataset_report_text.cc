// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/curate/dataset_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

constexpr std::size_t kMostDuplicates = 20;

std::string ClassRows(const SplitReport& split, std::span<const std::string> names) {
  std::string text = fmt::format("  {:>22}{:>11}{:>11}\n", "Class", "Images", "Boxes");
  for (std::size_t i = 0; i < split.boxes_of_class.size(); ++i) {
    text += fmt::format("  {:>22}{:>11}{:>11}{}\n", i < names.size() ? names[i] : std::to_string(i),
                        split.images_of_class[i], split.boxes_of_class[i],
                        split.boxes_of_class[i] == 0 ? "  (none)" : "");
  }
  return text;
}

std::string SizeRow(const SplitReport& split) {
  std::string text = "  long side of images:";
  for (std::size_t i = 0; i < split.images_of_size.size(); ++i) {
    const std::string bin = i < kImageSizeBins.size()
                                ? fmt::format("to {}", kImageSizeBins[i])
                                : fmt::format("above {}", kImageSizeBins.back());
    if (split.images_of_size[i] > 0) text += fmt::format(" {}: {},", bin, split.images_of_size[i]);
  }
  text.back() = '\n';
  return text;
}

std::string SplitText(const SplitReport& split, std::span<const std::string> names) {
  const ScanCounts& counts = split.counts;
  const auto usable = static_cast<double>(std::max<std::int64_t>(counts.total - counts.corrupt, 1));
  std::string text = fmt::format(
      "{}: {} images, {} backgrounds, {} corrupt; {} boxes, {:.1f} an image, at most {}\n",
      split.name, counts.total, counts.missing + counts.empty, counts.corrupt, split.boxes,
      static_cast<double>(split.boxes) / usable, split.most_boxes);
  text += ClassRows(split, names);
  text += fmt::format("  objects: {} small (below 32x32 px), {} medium, {} large (from 96x96 px)\n",
                      split.objects.small, split.objects.medium, split.objects.large);
  text += SizeRow(split);
  for (const std::string& message : split.messages) text += fmt::format("  WARNING {}\n", message);
  if (split.message_count > split.messages.size())
    text += fmt::format("  and {} more\n", split.message_count - split.messages.size());
  return text;
}

}  // namespace

std::string ReportText(const DatasetReport& report, std::span<const std::string> names) {
  std::string text;
  for (const SplitReport& split : report.splits) text += SplitText(split, names);
  std::size_t leaks = 0;
  for (const DuplicateImage& duplicate : report.duplicates)
    leaks += duplicate.split != duplicate.first_split ? 1 : 0;
  text += fmt::format(
      "duplicates: {} images have the bytes of another; {} of them in another split"
      "\n",
      report.duplicates.size(), leaks);
  for (std::size_t i = 0; i < std::min(report.duplicates.size(), kMostDuplicates); ++i) {
    const DuplicateImage& duplicate = report.duplicates[i];
    text += fmt::format("  {} ({}) is {} ({})\n", duplicate.path, duplicate.split, duplicate.first,
                        duplicate.first_split);
  }
  if (report.duplicates.size() > kMostDuplicates)
    text += fmt::format("  and {} more\n", report.duplicates.size() - kMostDuplicates);
  if (report.ended_jpegs > 0)
    text +=
        fmt::format("mended: {} JPEGs got the end marker that they lacked\n", report.ended_jpegs);
  return text;
}

}  // namespace headroom
