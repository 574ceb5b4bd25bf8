// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"
#include "headroom/core/mutex.h"
#include "headroom/core/result.h"
#include "headroom/data/dataset_index.h"
#include "headroom/data/image_cache.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace headroom {

struct DiskImageCacheOptions {
  std::string path;      // Of the one file.
  int image_size = 640;  // Long side of the pictures.
  // Anything else that decides pixels (colour order, scaled decode): a file of another recipe is
  // not used.
  std::uint32_t recipe = 0;
};

// cache=disk: the pictures in one file, read by offset, so that they are the system's cache and not
// memory of ours. Filled while the first epoch decodes. Every entry has the size and time of its
// source, looked at each time, and a checksum: what is stale or damaged is decoded and stored
// again. A full disk ends the filling, never the run. 32 bytes of memory an image.
class DiskImageCache : public ImageCache {
  struct Private {};

 public:
  // Opens the file or makes it. Failure: it cannot be written, or another process fills it. The
  // index and the budget (null: none), which its table is reserved in, must outlive the cache.
  // `note` gets a line when an old file is not used. Throws BudgetError.
  [[nodiscard]] static Result<std::unique_ptr<DiskImageCache>> Open(
      const DiskImageCacheOptions& options, const DatasetIndex& index, Budget* budget,
      std::string* note);
  // For Open alone. Takes the descriptor.
  DiskImageCache(Private, int descriptor, const DiskImageCacheOptions& options,
                 const DatasetIndex& index, Reservation table);
  ~DiskImageCache() override;

  [[nodiscard]] std::optional<CachedImage> Find(std::uint32_t image, Image* scratch) override
      EXCLUDES(mutex_);
  bool Store(std::uint32_t image, const ImageView& pixels) override EXCLUDES(mutex_);
  [[nodiscard]] std::string Describe() const override EXCLUDES(mutex_);
  // Why filling ended early; empty while it did not.
  [[nodiscard]] std::string problem() const EXCLUDES(mutex_);

 private:
  // Also the file's format.
  struct Entry {
    std::uint64_t offset = 0;  // 0: not here.
    std::uint64_t source = 0;  // Fingerprint of the image file.
    std::uint16_t height = 0;
    std::uint16_t width = 0;
    std::uint32_t pixels_checksum = 0;
    std::uint64_t entry_checksum = 0;
  };
  struct Header;

  [[nodiscard]] Status LoadEntries(bool* usable, std::string* note);
  [[nodiscard]] Status Restart();
  [[nodiscard]] Header MakeHeader() const;
  [[nodiscard]] std::uint64_t SourceOf(std::uint32_t image) const;
  [[nodiscard]] static std::uint64_t ChecksumOf(const Entry& entry);
  bool GiveUp(const std::string& problem) EXCLUDES(mutex_);

  const int descriptor_;
  const DiskImageCacheOptions options_;
  const DatasetIndex& index_;
  Reservation table_reservation_;
  mutable Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
  std::uint64_t end_ GUARDED_BY(mutex_) = 0;
  std::uint64_t count_ GUARDED_BY(mutex_) = 0;
  std::string problem_ GUARDED_BY(mutex_);
};

// Host bytes of the table of entries (tag kImageCache).
[[nodiscard]] MemoryNeed EstimateDiskCacheMemory(std::uint64_t images);

}  // namespace headroom
