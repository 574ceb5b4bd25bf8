// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/detection.h"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// The objects of the images of a micro-batch, image by image in one flat table. Network pixels.
class BatchTargets {
 public:
  void AddImage(std::span<const TrueBox> boxes) {
    boxes_.insert(boxes_.end(), boxes.begin(), boxes.end());
    ends_.push_back(boxes_.size());
  }
  // Keeps the storage, so that a step allocates nothing once the largest batch was seen.
  void Clear() {
    boxes_.clear();
    ends_.clear();
  }
  void Reserve(std::size_t images, std::size_t boxes) {
    ends_.reserve(images);
    boxes_.reserve(boxes);
  }

  [[nodiscard]] std::int64_t images() const { return static_cast<std::int64_t>(ends_.size()); }
  [[nodiscard]] std::int64_t boxes() const { return static_cast<std::int64_t>(boxes_.size()); }
  [[nodiscard]] std::span<const TrueBox> image(std::int64_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[static_cast<std::size_t>(i) - 1];
    return std::span(boxes_).subspan(begin, ends_[static_cast<std::size_t>(i)] - begin);
  }
  // Boxes of the densest image.
  [[nodiscard]] std::int64_t max_boxes() const {
    std::size_t most = 0, begin = 0;
    for (const std::size_t end : ends_) {
      most = end - begin > most ? end - begin : most;
      begin = end;
    }
    return static_cast<std::int64_t>(most);
  }

 private:
  std::vector<TrueBox> boxes_;
  std::vector<std::size_t> ends_;
};

}  // namespace headroom
