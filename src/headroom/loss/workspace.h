// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom {

// Lays arrays out one behind the other in a block of memory, or, without a block, only adds up
// their sizes: the code that carves a workspace is the code that sizes it.
// The block must be 64-byte aligned, as every array is then.
class WorkspaceCarver {
 public:
  explicit WorkspaceCarver(std::byte* block = nullptr) : block_(block) {}

  // Uninitialised; T is trivial. An empty span while only sizing.
  template <typename T>
  std::span<T> Take(std::int64_t count) {
    std::byte* const begin = block_ + used_;
    used_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    if (block_ == nullptr) return {};
    return {reinterpret_cast<T*>(begin), static_cast<std::size_t>(count)};
  }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::byte* block_;
  std::size_t used_ = 0;
};

}  // namespace headroom
