// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom {

// Where a BlockCache has its address ranges from. Called only when a segment is mapped, purged or
// unmapped, never in steady state. Not thread-safe: the cache calls it under its lock.
class BlockBacking {
 public:
  virtual ~BlockBacking() = default;
  // A range aligned to `alignment` (a power of two), whose pages are absent until touched. nullptr
  // when the system refuses.
  [[nodiscard]] virtual std::byte* Map(std::size_t size, std::size_t alignment) = 0;
  virtual void Unmap(std::byte* start, std::size_t size) = 0;
  // Gives the pages back; they read as zero when touched again.
  virtual void Discard(std::byte* start, std::size_t size) = 0;
  // Whether its addresses may be touched.
  [[nodiscard]] virtual bool has_memory() const = 0;
};

// Anonymous private memory of the kernel. Huge pages are asked for: a step touches hundreds of
// megabytes, and faults of 4 KiB cost more than the arithmetic of some layers.
class MmapBacking : public BlockBacking {
 public:
  [[nodiscard]] std::byte* Map(std::size_t size, std::size_t alignment) override;
  void Unmap(std::byte* start, std::size_t size) override;
  void Discard(std::byte* start, std::size_t size) override;
  [[nodiscard]] bool has_memory() const override { return true; }
};

// No memory at all, only addresses that no one may touch: the same requests in the same order give
// the same placement and the same peak, to the byte, as with real memory.
class DryRunBacking : public BlockBacking {
 public:
  [[nodiscard]] std::byte* Map(std::size_t size, std::size_t alignment) override;
  void Unmap(std::byte* /*start*/, std::size_t /*size*/) override {}
  void Discard(std::byte* /*start*/, std::size_t /*size*/) override {}
  [[nodiscard]] bool has_memory() const override { return false; }

 private:
  std::uintptr_t next_ = std::uintptr_t{1} << 50;  // Beyond what user space is ever given.
};

}  // namespace headroom
