// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/memory_tag.h"

namespace headroom {

// While it lives, allocations of this thread are charged to the tag. Scopes nest.
class TagScope {
 public:
  explicit TagScope(MemoryTag tag) : previous_(current_) { current_ = tag; }
  ~TagScope() { current_ = previous_; }
  TagScope(const TagScope&) = delete;
  TagScope& operator=(const TagScope&) = delete;

  [[nodiscard]] static MemoryTag Current() { return current_; }

 private:
  static thread_local MemoryTag current_;
  MemoryTag previous_;
};

}  // namespace headroom
