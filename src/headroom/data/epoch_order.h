// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/rng.h"

#include <cstdint>
#include <vector>

namespace headroom {

// In which order an epoch visits the images: each once. Shuffled by (seed, epoch), or always the
// same (rectangular batches, validation). Remembers the end of the epoch before, where the first
// positions find their mosaic partners.
class EpochOrder {
 public:
  // Shuffled.
  EpochOrder(std::uint64_t seed, std::uint32_t images);
  // Fixed.
  explicit EpochOrder(std::vector<std::uint32_t> order);

  void Start(int epoch);
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(current_.size()); }
  [[nodiscard]] std::uint32_t At(std::int64_t position) const {
    return current_[static_cast<std::size_t>(position)];
  }
  // The image `back` places before the position, 1 <= back <= size(); before the first one lies
  // the end of the previous epoch's order (epoch 0 has one too).
  [[nodiscard]] std::uint32_t Before(std::int64_t position, std::int64_t back) const;

 private:
  [[nodiscard]] std::vector<std::uint32_t> Shuffled(int epoch) const;

  bool shuffle_;
  Rng rng_{0};
  std::vector<std::uint32_t> current_;
  std::vector<std::uint32_t> previous_;
  int epoch_ = -2;
};

// How far back mosaic partners may lie: min(images, 8 * batch, 1000), as long as the reference's
// buffer is.
[[nodiscard]] std::int64_t MosaicWindow(std::int64_t images, int batch);

}  // namespace headroom
