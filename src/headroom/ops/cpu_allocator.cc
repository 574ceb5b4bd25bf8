// SPDX-License-Identifier: Apache-2.0
#include "headroom/ops/cpu_allocator.h"

#include "headroom/core/check.h"
#include "headroom/memory/block_backing.h"
#include "headroom/memory/placement.h"
#include "headroom/memory/tag_scope.h"

#include <c10/core/CPUAllocator.h>

#include <cstring>

namespace headroom {
namespace {

BlockCache* g_cache = nullptr;

// ATen's oneDNN glue frees through raw_deleter, whose context is the data pointer itself; what the
// cache does not know was placed and belongs to its arena (whose first bytes are never given away,
// so that no placed pointer is a block's own).
void Delete(void* data) {
  if (data != nullptr && g_cache->Owns(data)) g_cache->Free(data);
}

// Of a placed result.
void Keep(void* /*data*/) {}

class CpuAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* data = bytes == 0 ? nullptr : PlacementScope::Take(bytes);
    if (data != nullptr) return {data, data, &Keep, c10::DeviceType::CPU};
    if (bytes > 0) data = g_cache->Allocate(Bytes(bytes), TagScope::Current());
    return {data, data, &Delete, c10::DeviceType::CPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* destination, const void* source, std::size_t bytes) const override {
    std::memcpy(destination, source, bytes);
  }
};

}  // namespace

BlockCache& InstallCpuAllocator(Budget& budget, const BlockCacheOptions& options) {
  HEADROOM_CHECK(g_cache == nullptr, "the CPU allocator is installed once");
  // Never destroyed: tensors with static lifetime may be freed after main.
  // NOLINTBEGIN(cppcoreguidelines-owning-memory): see above
  static BlockCache& cache = *new BlockCache(*new MmapBacking, &budget, options);
  static CpuAllocator& allocator = *new CpuAllocator;
  // NOLINTEND(cppcoreguidelines-owning-memory)
  g_cache = &cache;
  constexpr std::uint8_t kPriority = 100;
  c10::SetCPUAllocator(&allocator, kPriority);
  return cache;
}

}  // namespace headroom
