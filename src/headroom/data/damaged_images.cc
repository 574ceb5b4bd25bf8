// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/damaged_images.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"

#include <fmt/format.h>

namespace headroom {

void DamagedImages::Add(std::uint32_t image, const std::string& reason) {
  const std::uint64_t bit = std::uint64_t{1} << (image % 64);
  if ((damaged_[image / 64].fetch_or(bit, std::memory_order_relaxed) & bit) != 0) return;
  count_.fetch_add(1, std::memory_order_relaxed);
  // Every validation has a list of its own, and would name it again.
  LogWarningOnce(
      fmt::format("{}: {}; another image takes its place. Repair or remove it before the next run",
                  index_.ImagePath(image), reason));
}

std::uint32_t DamagedImages::Substitute(std::uint32_t image) const {
  const auto images = static_cast<std::uint32_t>(index_.size());
  for (std::uint32_t step = 0; step < images; ++step) {
    const std::uint32_t other = static_cast<std::uint32_t>((std::uint64_t{image} + step) % images);
    if (!Contains(other)) return other;
  }
  throw DataError(fmt::format(
      "none of the {} images can be read any more (the last was {}); are the files still there?",
      images, index_.ImagePath(image)));
}

}  // namespace headroom
