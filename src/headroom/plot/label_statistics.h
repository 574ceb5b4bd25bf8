// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/geometry/box.h"
#include "headroom/memory/memory_need.h"

#include <array>
#include <cstdint>
#include <vector>

namespace headroom {

// A two-dimensional histogram over [0, 1]^2; values outside count at the edge.
class DensityGrid {
 public:
  static constexpr std::size_t kSide = 50;

  void Add(float x, float y);
  [[nodiscard]] std::uint32_t at(std::size_t row, std::size_t column) const {
    return counts_[row * kSide + column];
  }
  [[nodiscard]] std::uint32_t highest() const { return highest_; }

 private:
  std::array<std::uint32_t, kSide * kSide> counts_{};  // Row 0: y near 0.
  std::uint32_t highest_ = 0;
};

// What labels.jpg shows, gathered label by label in memory that does not grow with their number.
class LabelStatistics {
 public:
  struct Sample {
    std::int32_t class_id = 0;
    Xywh box;
  };
  static constexpr std::size_t kMostSamples = 500;

  explicit LabelStatistics(std::size_t class_count) : class_counts_(class_count) {}

  // A box normalised to its image. Classes outside the range and boxes that are not finite throw
  // InternalError.
  void Add(std::int32_t class_id, const Xywh& box);

  [[nodiscard]] const std::vector<std::uint64_t>& class_counts() const { return class_counts_; }
  // Evenly spread over all labels.
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] const DensityGrid& centers() const { return centers_; }
  [[nodiscard]] const DensityGrid& sizes() const { return sizes_; }

 private:
  std::vector<std::uint64_t> class_counts_;
  std::vector<Sample> samples_;
  std::uint64_t seen_ = 0;
  std::uint64_t stride_ = 1;  // Every so many labels one is kept.
  DensityGrid centers_;
  DensityGrid sizes_;
};

}  // namespace headroom
