// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/data/dataset_scan.h"
#include "headroom/data/decode_extremes.h"
#include "headroom/data/label_table.h"
#include "headroom/data/path_table.h"
#include "headroom/image/image.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace headroom {

// How much of the sorted image list is used: a share in (0, 1], or the first `count`.
struct DatasetFraction {
  double ratio = 1;
  std::int64_t count = 0;  // 0: by ratio.
  // Of n images: at least 1 where there are any.
  [[nodiscard]] std::size_t Of(std::size_t n) const;
};

struct DatasetIndexOptions {
  std::string split = "train";       // For messages.
  std::vector<std::string> sources;  // Folders (searched recursively) and list files.
  int num_classes = 0;               // Classes allowed in label files; 0: any (single_cls).
  LabelFilter filter;
  DatasetFraction fraction;
  bool needs_labels = false;  // Training: a set without any label file is an error.
  bool use_cache = true;      // Read and write <labels folder>.headroom.
  int threads = 0;            // 0: one a core.
  // Called from the calling thread, about ten times a second while files are read, and at the end.
  std::function<void(std::int64_t done, const ScanCounts&)> on_progress;
  std::stop_token stop;      // Ends the scan: Build throws Error(kInterrupted).
  Budget* budget = nullptr;  // Charged with what the index holds (tag kLabels).
};

// The images of one split, their sizes and labels, in the order of the sorted list. Immutable, so
// any number of threads may read. Images that cannot be used are not in it.
class DatasetIndex {
 public:
  // Lists, checks and reads everything, or loads the label cache when no source changed since.
  // Throws DataError when a run cannot go on: no source, no image, no image left, no labels where
  // they are needed; the text says which, why and what to do.
  [[nodiscard]] static DatasetIndex Build(const DatasetIndexOptions& options);

  DatasetIndex(DatasetIndex&&) = default;
  DatasetIndex& operator=(DatasetIndex&&) = default;

  [[nodiscard]] std::size_t size() const { return sizes_.size(); }
  [[nodiscard]] std::string ImagePath(std::size_t image) const { return paths_.Path(image); }
  // Into a reused string.
  void CopyImagePath(std::size_t image, std::string* path) const { paths_.CopyPath(image, path); }
  [[nodiscard]] std::string LabelPath(std::size_t image) const;
  // Pixels of the files, EXIF orientation applied.
  [[nodiscard]] std::span<const ImageSize> image_sizes() const { return sizes_; }
  [[nodiscard]] ImageSize image_size(std::size_t image) const { return sizes_[image]; }
  // The labels as the run sees them (single_cls, classes), and the table under them.
  [[nodiscard]] const LabelView& labels() const { return labels_; }
  [[nodiscard]] const LabelTable& table() const { return *table_; }

  [[nodiscard]] const ScanCounts& counts() const { return counts_; }
  // "292 images, 3 backgrounds, 1 corrupt": what the reference prints behind its scan.
  [[nodiscard]] std::string Summary() const;
  // What is wrong with the data, a line each; a short list whose end says how many more.
  [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }
  // What became of the label cache, where there is something to say.
  [[nodiscard]] const std::string& cache_note() const { return cache_note_; }
  [[nodiscard]] bool from_cache() const { return from_cache_; }

  // Host bytes of labels, sizes and paths.
  [[nodiscard]] Bytes NumBytes() const;
  // Of one worker's decoder with its output, for the hungriest image of this set.
  [[nodiscard]] MemoryNeed EstimateDecode(int min_long_side) const {
    return EstimateMemory(decode_, sizes_, min_long_side);
  }

 private:
  DatasetIndex(DatasetScan scan, const DatasetIndexOptions& options);

  PathTable paths_;
  std::vector<ImageSize> sizes_;
  std::unique_ptr<const LabelTable> table_;  // On the heap: the view points at it across moves.
  LabelView labels_;
  ScanCounts counts_;
  std::vector<std::string> messages_;
  std::string cache_note_;
  bool from_cache_ = false;
  DecodeExtremes decode_;
  Reservation reservation_;
};

// Host bytes of an index (tag kLabels). While it is scanned, and not loaded from its cache, labels
// are held twice: as rows and as the table.
struct DatasetIndexSize {
  LabelTableSize labels;
  std::uint64_t mean_name_length = 20;
  std::uint64_t folders = 1;
};
[[nodiscard]] MemoryNeed EstimateMemory(const DatasetIndexSize& size);

}  // namespace headroom
