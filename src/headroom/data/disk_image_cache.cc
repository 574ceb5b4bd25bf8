// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/disk_image_cache.h"

#include "headroom/core/check.h"
#include "headroom/core/checksum.h"
#include "headroom/image/resize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

namespace headroom {
namespace {

constexpr std::array<char, 16> kMagic = {'H', 'E', 'A', 'D', 'R', 'O', 'O', 'M',
                                         ' ', 'I', 'M', 'A', 'G', 'E', 'S', '\n'};
constexpr std::uint32_t kVersion = 1;

// All of it, or errno (EIO for a file that ends early).
int ReadAll(int descriptor, void* data, std::size_t size, std::uint64_t offset) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::pread(descriptor, at, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    at += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return 0;
}

int WriteAll(int descriptor, const void* data, std::size_t size, std::uint64_t offset) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t put = ::pwrite(descriptor, at, size, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : ENOSPC;
    at += put;
    offset += static_cast<std::uint64_t>(put);
    size -= static_cast<std::size_t>(put);
  }
  return 0;
}

std::uint32_t PixelsChecksum(const void* data, std::size_t size) {
  return static_cast<std::uint32_t>(Checksum64(data, size));
}

}  // namespace

struct DiskImageCache::Header {
  std::array<char, 16> magic;
  std::uint32_t version;
  std::uint32_t recipe;
  std::int64_t image_size;
  std::uint64_t images;
  std::uint64_t list;  // Checksum of the image list.
  std::uint64_t checksum;
};

Result<std::unique_ptr<DiskImageCache>> DiskImageCache::Open(const DiskImageCacheOptions& options,
                                                             const DatasetIndex& index,
                                                             Budget* budget, std::string* note) {
  note->clear();
  // First: a refusal must leave nothing open.
  Reservation table;
  if (budget != nullptr) {
    table =
        Reservation(*budget, MemoryTag::kImageCache, EstimateDiskCacheMemory(index.size()).Total());
  }
  const int descriptor = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return Failure{fmt::format("cannot open {}: {}", options.path, std::strerror(errno))};
  auto cache =
      std::make_unique<DiskImageCache>(Private{}, descriptor, options, index, std::move(table));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Failure{fmt::format("{} is in use by another process", options.path)};
  }
  bool usable = false;
  Status status = cache->LoadEntries(&usable, note);
  if (status.ok() && !usable) status = cache->Restart();
  if (!status.ok()) return Failure{status.error()};
  return cache;
}

DiskImageCache::DiskImageCache(Private, int descriptor, const DiskImageCacheOptions& options,
                               const DatasetIndex& index, Reservation table)
    : descriptor_(descriptor),
      options_(options),
      index_(index),
      table_reservation_(std::move(table)),
      entries_(index.size()) {}

DiskImageCache::~DiskImageCache() { ::close(descriptor_); }

DiskImageCache::Header DiskImageCache::MakeHeader() const {
  Header header{};
  header.magic = kMagic;
  header.version = kVersion;
  header.recipe = options_.recipe;
  header.image_size = options_.image_size;
  header.images = index_.size();
  std::string path;
  for (std::size_t i = 0; i < index_.size(); ++i) {
    index_.CopyImagePath(i, &path);
    header.list = Checksum64(path.data(), path.size(), header.list);
  }
  header.checksum = Checksum64(&header, offsetof(Header, checksum));
  return header;
}

std::uint64_t DiskImageCache::SourceOf(std::uint32_t image) const {
  thread_local std::string path;
  index_.CopyImagePath(image, &path);
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return 0;
  const std::array<std::int64_t, 3> facts = {file.st_size, file.st_mtim.tv_sec,
                                             file.st_mtim.tv_nsec};
  return Checksum64(facts.data(), sizeof(facts));
}

std::uint64_t DiskImageCache::ChecksumOf(const Entry& entry) {
  static_assert(std::is_trivially_copyable_v<Entry> && sizeof(Entry) == 32);
  return Checksum64(&entry, offsetof(Entry, entry_checksum));
}

Status DiskImageCache::LoadEntries(bool* usable, std::string* note) {
  static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) == 56);
  struct stat file{};
  if (::fstat(descriptor_, &file) != 0)
    return Failure{fmt::format("cannot read {}: {}", options_.path, std::strerror(errno))};
  if (file.st_size == 0) return Unit{};
  Header header{};
  const Header wanted = MakeHeader();
  if (ReadAll(descriptor_, &header, sizeof(header), 0) != 0 || header.magic != kMagic) {
    // Never write over what is not ours.
    return Failure{fmt::format(
        "{} is not an image cache of this program: remove it or name another", options_.path)};
  }
  MutexLock lock(mutex_);
  const std::size_t table_bytes = entries_.size() * sizeof(Entry);
  if (std::memcmp(&header, &wanted, sizeof(header)) != 0 ||
      ReadAll(descriptor_, entries_.data(), table_bytes, sizeof(header)) != 0) {
    *note = fmt::format("image cache {} is rebuilt: it was made for other images or another imgsz",
                        options_.path);
    return Unit{};
  }
  *usable = true;
  end_ = sizeof(Header) + table_bytes;
  for (Entry& entry : entries_) {
    // A kill may have cut the last writes off.
    const std::uint64_t bytes = std::uint64_t{entry.height} * entry.width * 3;
    const bool good = entry.offset != 0 && entry.entry_checksum == ChecksumOf(entry) &&
                      entry.offset + bytes <= static_cast<std::uint64_t>(file.st_size);
    if (!good) {
      entry = Entry();
      continue;
    }
    ++count_;
    end_ = std::max(end_, entry.offset + bytes);
  }
  return Unit{};
}

Status DiskImageCache::Restart() {
  const Header header = MakeHeader();
  MutexLock lock(mutex_);
  entries_.assign(entries_.size(), Entry());
  end_ = sizeof(Header) + entries_.size() * sizeof(Entry);
  int error =
      ::ftruncate(descriptor_, 0) == 0 && ::ftruncate(descriptor_, static_cast<off_t>(end_)) == 0
          ? 0
          : errno;
  if (error == 0) error = WriteAll(descriptor_, &header, sizeof(header), 0);
  if (error != 0)
    return Failure{fmt::format("cannot write {}: {}", options_.path, std::strerror(error))};
  return Unit{};
}

std::optional<CachedImage> DiskImageCache::Find(std::uint32_t image, Image* scratch) {
  Entry entry;
  {
    MutexLock lock(mutex_);
    entry = entries_[image];
  }
  if (entry.offset == 0 || entry.source != SourceOf(image)) return std::nullopt;
  scratch->Reshape({entry.height, entry.width});
  const std::size_t bytes = scratch->size().PixelBytes().count();
  const bool good = ReadAll(descriptor_, scratch->data(), bytes, entry.offset) == 0 &&
                    PixelsChecksum(scratch->data(), bytes) == entry.pixels_checksum;
  if (good) return CachedImage(std::as_const(*scratch).view(), nullptr);
  MutexLock lock(mutex_);
  if (entries_[image].offset == entry.offset) {
    entries_[image] = Entry();
    --count_;
  }
  return std::nullopt;
}

bool DiskImageCache::Store(std::uint32_t image, const ImageView& pixels) {
  HEADROOM_CHECK(pixels.channels == 3 && pixels.packed(),
                 "the cache keeps packed pictures of 3 channels");
  constexpr int kMostSide = std::numeric_limits<std::uint16_t>::max();
  if (pixels.height > kMostSide || pixels.width > kMostSide) return false;
  const std::size_t bytes = pixels.size().PixelBytes().count();
  Entry entry;
  entry.source = SourceOf(image);
  entry.height = static_cast<std::uint16_t>(pixels.height);
  entry.width = static_cast<std::uint16_t>(pixels.width);
  entry.pixels_checksum = PixelsChecksum(pixels.data, bytes);
  {
    MutexLock lock(mutex_);
    if (!problem_.empty()) return false;
    const Entry& old = entries_[image];
    if (old.offset != 0 && old.source == entry.source) return true;
    // A stale entry's place is used again when the new picture has its size.
    const bool fits = old.offset != 0 && old.height == entry.height && old.width == entry.width;
    entry.offset = fits ? old.offset : end_;
    if (!fits) end_ += bytes;
  }
  entry.entry_checksum = ChecksumOf(entry);
  // Pixels first: an entry never points at what is not there.
  int error = WriteAll(descriptor_, pixels.data, bytes, entry.offset);
  const std::uint64_t place = sizeof(Header) + std::uint64_t{image} * sizeof(Entry);
  if (error == 0) error = WriteAll(descriptor_, &entry, sizeof(entry), place);
  if (error != 0) return GiveUp(std::strerror(error));
  MutexLock lock(mutex_);
  if (entries_[image].offset == 0) ++count_;
  entries_[image] = entry;
  return true;
}

bool DiskImageCache::GiveUp(const std::string& problem) {
  MutexLock lock(mutex_);
  problem_ = fmt::format("{} is not filled further: {}", options_.path, problem);
  return false;
}

std::string DiskImageCache::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

std::string DiskImageCache::Describe() const {
  MutexLock lock(mutex_);
  return fmt::format("disk cache {}: {} of {} images, {}", options_.path, count_, entries_.size(),
                     ToString(Bytes(end_)));
}

MemoryNeed EstimateDiskCacheMemory(std::uint64_t images) {
  constexpr std::uint64_t kEntryBytes = 32;  // DiskImageCache::Entry, which asserts it.
  return {MemoryTag::kImageCache, Bytes::Of(images, kEntryBytes)};
}

}  // namespace headroom
