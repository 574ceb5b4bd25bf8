// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"
#include "headroom/memory/memory_need.h"
#include "headroom/metrics/match_predictions.h"

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace headroom {

// All that average precision needs to know of a detection, beside its class.
struct MatchRecord {
  float confidence = 0;
  MatchMask mask = 0;
};

struct MatchRecordsOptions {
  int class_count = 0;
  std::uint64_t images = 0;
  int max_detections = 300;  // Of one image.
};

// What a validation keeps of its images: 8 bytes a detection and three counters a class. It is the
// only thing of a validation that grows with the number of images. Records lie in small blocks, so
// growing copies nothing and holds nothing twice. Not thread-safe.
class MatchRecords {
 public:
  explicit MatchRecords(int class_count);

  // One image: its detections, their masks (PredictionMatcher) and its labels. Labels of a class
  // that the model does not have are not counted (as Ultralytics 8.4.190); such a detection throws
  // InternalError.
  void AddImage(std::span<const Detection> detections, std::span<const MatchMask> masks,
                std::span<const TrueBox> labels);

  // Every class by falling confidence; equal ones stay in the order of arrival, so that the
  // figures depend on nothing but the order of the images.
  void SortByConfidence();

  [[nodiscard]] int class_count() const { return static_cast<int>(classes_.size()); }
  [[nodiscard]] std::uint64_t images() const { return images_; }
  // Labels of the class, and images that have at least one.
  [[nodiscard]] std::uint64_t labels(int class_id) const { return At(class_id).labels; }
  [[nodiscard]] std::uint64_t images_with(int class_id) const { return At(class_id).images; }
  [[nodiscard]] const std::deque<MatchRecord>& records(int class_id) const {
    return At(class_id).records;
  }

 private:
  struct ClassRecords {
    std::deque<MatchRecord> records;
    std::uint64_t labels = 0;
    std::uint64_t images = 0;
    std::uint64_t last_image = 0;  // 1-based number of the last image counted in `images`.
  };
  [[nodiscard]] const ClassRecords& At(int class_id) const {
    return classes_[static_cast<std::size_t>(class_id)];
  }

  std::vector<ClassRecords> classes_;
  std::uint64_t images_ = 0;
};

// The most that records of so many images hold, sorting included.
[[nodiscard]] MemoryNeed EstimateMemory(const MatchRecordsOptions& options);

}  // namespace headroom
