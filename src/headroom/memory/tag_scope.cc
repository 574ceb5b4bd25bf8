// SPDX-License-Identifier: Apache-2.0
#include "headroom/memory/tag_scope.h"

namespace headroom {

thread_local MemoryTag TagScope::current_ = MemoryTag::kOther;

}  // namespace headroom
