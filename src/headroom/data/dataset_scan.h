// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/data/decode_extremes.h"
#include "headroom/data/label_table.h"
#include "headroom/data/path_table.h"
#include "headroom/image/image.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace headroom {

struct ScanCounts {
  std::int64_t found = 0;    // Label files read, those of images left out included.
  std::int64_t missing = 0;  // Images without a label file: backgrounds.
  std::int64_t empty = 0;    // Images with a label file without boxes: backgrounds.
  std::int64_t corrupt = 0;  // Images left out.
  std::int64_t total = 0;    // Images looked at.
};

// What became of a listed image.
enum class ImageState : std::uint8_t { kLabelled, kEmptyLabel, kNoLabel, kBadImage, kBadLabel };
[[nodiscard]] constexpr bool IsKept(ImageState s) { return s < ImageState::kBadImage; }

struct ScanMessage {
  std::uint32_t image = 0;
  std::string text;
};

// Everything that is known about a list of images: what the label cache keeps. One entry an image
// that was listed, those left out included (without size and boxes).
struct DatasetScan {
  PathTable images;
  std::vector<ImageState> states;
  std::vector<ImageSize> sizes;
  std::vector<std::uint64_t> fingerprints;  // Of the sources: see SourceFingerprint.
  LabelTable labels;
  std::vector<ScanMessage> messages;  // The first kMaxScanMessages of message_count.
  std::uint64_t message_count = 0;
  DecodeExtremes decode;
  std::int32_t num_classes = 0;      // The limit that labels were read with; 0: none.
  std::uint64_t class_failures = 0;  // Images left out for that limit.
  bool dropped_polygons = false;     // Some boxes had polygons, some had not.
  Reservation reservation;           // Of what the above holds.

  [[nodiscard]] ScanCounts Counts() const;
  [[nodiscard]] Bytes NumBytes() const;
};
inline constexpr std::size_t kMaxScanMessages = 20;

struct ScanOptions {
  int num_classes = 0;  // Classes allowed; 0: any.
  int threads = 0;      // 0: one a core.
  std::stop_token stop;
  std::function<void(std::int64_t done, const ScanCounts&)> on_progress;
  Budget* budget = nullptr;
};

// Verifies every image and reads every label, on all cores. What is wrong with a file costs that
// image and a message, nothing else. Throws Error(kInterrupted) and BudgetError.
[[nodiscard]] DatasetScan ScanDataset(PathTable images, const ScanOptions& options);

// Changes when the size or the time of the image or of its label file does.
[[nodiscard]] std::uint64_t SourceFingerprint(const std::string& image_path,
                                              const std::string& label_path);

}  // namespace headroom
