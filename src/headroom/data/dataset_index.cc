// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/dataset_index.h"

#include "headroom/core/error.h"
#include "headroom/core/strings.h"
#include "headroom/data/image_list.h"
#include "headroom/data/label_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

namespace headroom {
namespace {

// The cached scan of these images when nothing changed since; else the note says why not.
std::optional<DatasetScan> LoadIfFresh(const std::string& path, const PathTable& images,
                                       const DatasetIndexOptions& options, std::string* note) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  Result<DatasetScan> cached = LoadLabelCache(path, options.budget);
  Status fresh = cached.ok() ? Status(Unit{}) : Status(Failure{cached.error()});
  if (fresh.ok()) fresh = CheckListed(*cached, images, options.num_classes);
  if (fresh.ok()) fresh = CheckSources(*cached, images.size(), options.threads, options.stop);
  if (!fresh.ok()) {
    *note = fmt::format("label cache {} is rebuilt: {}", path, fresh.error());
    return std::nullopt;
  }
  TruncateScan(images.size(), &*cached);
  return std::move(*cached);
}

struct Loaded {
  DatasetScan scan;
  std::string note;
  bool from_cache = false;
};

Loaded LoadOrScan(const DatasetIndexOptions& options) {
  PathTable images = ListImages(options.sources, options.split);
  images.Truncate(options.fraction.Of(images.size()));
  images.ShrinkToFit();
  Loaded loaded;
  std::string cache_path;
  if (options.use_cache) {
    cache_path = LabelCachePath(options.sources, images);
    if (auto scan = LoadIfFresh(cache_path, images, options, &loaded.note)) {
      loaded.scan = std::move(*scan);
      loaded.from_cache = true;
      return loaded;
    }
  }
  loaded.scan = ScanDataset(std::move(images), {.num_classes = options.num_classes,
                                                .threads = options.threads,
                                                .stop = options.stop,
                                                .on_progress = options.on_progress,
                                                .budget = options.budget});
  if (!options.use_cache) return loaded;
  try {
    SaveLabelCache(cache_path, loaded.scan);
  } catch (const WriteError& error) {
    loaded.note = fmt::format("labels are not cached: {}", error.what());
  }
  return loaded;
}

std::vector<std::string> MessagesOf(const DatasetScan& scan) {
  std::vector<std::string> lines;
  for (const ScanMessage& message : scan.messages) lines.push_back(message.text);
  if (scan.message_count > lines.size()) {
    lines.push_back(fmt::format("... and {} more", scan.message_count - lines.size()));
  }
  if (scan.dropped_polygons) {
    lines.emplace_back("some objects have polygons and some only boxes: the polygons are not used");
  }
  return lines;
}

std::string Indented(const std::vector<std::string>& lines) {
  return lines.empty() ? "" : ":\n  " + Join(lines, "\n  ");
}

}  // namespace

std::size_t DatasetFraction::Of(std::size_t n) const {
  if (count > 0) return std::min(n, static_cast<std::size_t>(count));
  // Python's round(): half to even, as the default rounding mode.
  const auto share = static_cast<std::size_t>(std::nearbyint(static_cast<double>(n) * ratio));
  return std::min(n, std::max<std::size_t>(share, 1));
}

DatasetIndex DatasetIndex::Build(const DatasetIndexOptions& options) {
  Loaded loaded = LoadOrScan(options);
  DatasetIndex index(std::move(loaded.scan), options);
  index.cache_note_ = std::move(loaded.note);
  index.from_cache_ = loaded.from_cache;
  if (index.size() == 0) {
    throw DataError(fmt::format("{}: none of the {} images can be used{}", options.split,
                                index.counts_.total, Indented(index.messages_)));
  }
  if (index.table_->box_count() > 0) return index;
  if (options.needs_labels && index.counts_.found == 0) {
    throw DataError(fmt::format(
        "{}: none of the {} images has a label file: the first was looked for at {}. Labels "
        "belong in a folder 'labels' beside 'images'",
        options.split, index.size(), index.LabelPath(0)));
  }
  if (options.needs_labels && index.counts_.corrupt > 0) {
    throw DataError(fmt::format("{}: no image with labels is left, {} were left out{}",
                                options.split, index.counts_.corrupt, Indented(index.messages_)));
  }
  index.messages_.push_back(fmt::format("{}: no label file holds any box", options.split));
  return index;
}

DatasetIndex::DatasetIndex(DatasetScan scan, const DatasetIndexOptions& options)
    : labels_(scan.labels, options.filter), counts_(scan.Counts()), messages_(MessagesOf(scan)) {
  if (counts_.corrupt > 0) {
    std::vector<bool> keep(scan.states.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < keep.size(); ++i) {
      keep[i] = IsKept(scan.states[i]);
      if (keep[i]) scan.sizes[kept++] = scan.sizes[i];
    }
    scan.sizes.resize(kept);
    scan.sizes.shrink_to_fit();
    scan.images.Keep(keep);
    scan.images.ShrinkToFit();
    scan.labels.RemoveEmptyImages(keep);
  }
  paths_ = std::move(scan.images);
  sizes_ = std::move(scan.sizes);
  table_ = std::make_unique<const LabelTable>(std::move(scan.labels));
  labels_ = LabelView(*table_, options.filter);
  decode_ = scan.decode;
  reservation_ = std::move(scan.reservation);
  if (!reservation_.empty()) reservation_.Resize(NumBytes());
}

std::string DatasetIndex::LabelPath(std::size_t image) const {
  return LabelPathOf(ImagePath(image));
}

std::string DatasetIndex::Summary() const {
  return fmt::format("{} images, {} backgrounds, {} corrupt", counts_.found,
                     counts_.missing + counts_.empty, counts_.corrupt);
}

Bytes DatasetIndex::NumBytes() const {
  return paths_.NumBytes() + Bytes::Of(sizes_.capacity(), sizeof(ImageSize)) + table_->NumBytes();
}

MemoryNeed EstimateMemory(const DatasetIndexSize& size) {
  MemoryNeed need = EstimateMemory(size.labels);
  need.Add(MemoryTag::kLabels,
           Bytes::Of(size.labels.images, sizeof(ImageSize)) +
               PathTable::EstimateBytes(size.labels.images, size.mean_name_length, size.folders));
  return need;
}

}  // namespace headroom
