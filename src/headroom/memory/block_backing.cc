// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/block_backing.h"

#include "headroom/core/check.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace headroom {

std::byte* MmapBacking::Map(std::size_t size, std::size_t alignment) {
  void* const mapped = ::mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(mapped);
  const std::size_t skip =
      (alignment - reinterpret_cast<std::uintptr_t>(start) % alignment) % alignment;
  if (skip != 0) ::munmap(start, skip);
  ::munmap(start + skip + size, alignment - skip);
  // Advice: a kernel without huge pages says no, and nothing is lost.
  ::madvise(start + skip, size, MADV_HUGEPAGE);
  return start + skip;
}

void MmapBacking::Unmap(std::byte* start, std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  // The cache poisons free blocks; the address may be given to others.
  ASAN_UNPOISON_MEMORY_REGION(start, size);
#endif
  HEADROOM_CHECK(::munmap(start, size) == 0, "munmap of a segment failed");
}

void MmapBacking::Discard(std::byte* start, std::size_t size) {
  HEADROOM_CHECK(::madvise(start, size, MADV_DONTNEED) == 0, "MADV_DONTNEED of free pages failed");
}

std::byte* DryRunBacking::Map(std::size_t size, std::size_t alignment) {
  const std::uintptr_t start = (next_ + alignment - 1) & ~(alignment - 1);
  next_ = start + size;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): never dereferenced
  return reinterpret_cast<std::byte*>(start);
}

}  // namespace headroom
