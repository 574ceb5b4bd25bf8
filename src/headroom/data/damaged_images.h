// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/mutex.h"
#include "headroom/data/dataset_index.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace headroom {

// Images that could be read when the set was scanned and cannot be used now: damaged, gone, or
// replaced by a picture of another size or of more than a worker may hold. Each is named once in
// the log, and replaced wherever it occurs by the next image of the set that can be read: a
// function of the files alone. Thread-safe.
class DamagedImages {
 public:
  explicit DamagedImages(const DatasetIndex& index)
      : index_(index), damaged_((index.size() + 63) / 64) {}

  [[nodiscard]] bool Contains(std::uint32_t image) const {
    return (damaged_[image / 64].load(std::memory_order_relaxed) >> (image % 64) & 1) != 0;
  }
  void Add(std::uint32_t image, const std::string& reason);
  // The image itself, or what stands for it. Throws DataError when no image is left.
  [[nodiscard]] std::uint32_t Substitute(std::uint32_t image) const;
  [[nodiscard]] std::int64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  const DatasetIndex& index_;
  std::vector<std::atomic<std::uint64_t>> damaged_;
  std::atomic<std::int64_t> count_{0};
};

}  // namespace headroom
