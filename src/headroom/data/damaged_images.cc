// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/damaged_images.h"

#include "headroom/core/error.h"
#include "headroom/core/log.h"

#include <fmt/format.h>

#include <set>

namespace headroom {
namespace {

// Whether this process has not named the file before: every validation has a list of its own.
bool IsNews(const std::string& path) {
  // Never destroyed: threads of loaders may still be there at the end.
  static Mutex& mutex = *new Mutex;  // NOLINT(cppcoreguidelines-owning-memory)
  static std::set<std::string>& named =
      *new std::set<std::string>;  // NOLINT(cppcoreguidelines-owning-memory)
  MutexLock lock(mutex);
  return named.insert(path).second;
}

}  // namespace

void DamagedImages::Add(std::uint32_t image, const std::string& reason) {
  const std::uint64_t bit = std::uint64_t{1} << (image % 64);
  if ((damaged_[image / 64].fetch_or(bit, std::memory_order_relaxed) & bit) != 0) return;
  count_.fetch_add(1, std::memory_order_relaxed);
  const std::string path = index_.ImagePath(image);
  if (!IsNews(path)) return;
  LogWarning(
      fmt::format("{}: {}; another image takes its place. Repair or remove it before the next run",
                  path, reason));
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
