// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/dataset_scan.h"
#include "headroom/data/path_table.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace headroom {

// One split to look at.
struct SplitSources {
  std::string name;                  // "train"
  std::vector<std::string> sources;  // Folders and list files.
};

// Objects by their area in pixels of the image file, as COCO bins them: below 32^2, below 96^2.
struct SizeCounts {
  std::uint64_t small = 0;
  std::uint64_t medium = 0;
  std::uint64_t large = 0;
};

struct SplitReport {
  std::string name;
  ScanCounts counts;
  std::uint64_t boxes = 0;
  std::vector<std::uint64_t> boxes_of_class;
  std::vector<std::uint64_t> images_of_class;
  std::uint64_t most_boxes = 0;  // In one image.
  SizeCounts objects;
  // Images by their long side: to 320, 640, 1280, 1920, 3840, above.
  std::array<std::uint64_t, 6> images_of_size{};
  std::vector<std::string> messages;  // Corrupt files and doubtful labels, the first few.
  std::uint64_t message_count = 0;
};
inline constexpr std::array<int, 5> kImageSizeBins = {320, 640, 1280, 1920, 3840};

// Two images with the same bytes.
struct DuplicateImage {
  std::string path;
  std::string split;
  std::string first;        // Where the bytes were met first,
  std::string first_split;  // and in which split: another one means a leak.
};

struct DatasetReport {
  std::vector<SplitReport> splits;
  std::vector<DuplicateImage> duplicates;
  std::uint64_t ended_jpegs = 0;  // Of the mended copy: JPEGs that got the end marker they lacked.
};

struct DatasetCheckOptions {
  std::vector<SplitSources> splits;
  int num_classes = 0;
  std::stop_token stop;
  // When set, a mended copy is written there: without corrupt images, duplicates and doubled
  // labels, JPEGs with their end marker. The data themselves are never changed.
  std::filesystem::path mended;
  std::vector<std::string> names;  // For its data.yaml.
};

// Reads every label and verifies every image; images of equal length are compared by checksum.
// Writes nothing but the mended copy, no label cache either. Throws DataError, WriteError.
[[nodiscard]] DatasetReport CheckDataset(const DatasetCheckOptions& options);

// What `yolo data check` prints.
[[nodiscard]] std::string ReportText(const DatasetReport& report,
                                     std::span<const std::string> names);

}  // namespace headroom
