// SPDX-License-Identifier: Apache-2.0
#include "headroom/graph/row_stretches.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace headroom {

std::int64_t StretchCount(std::int64_t count) {
  return std::min<std::int64_t>(at::get_num_threads(), count);
}

void ForEachStretch(std::int64_t count, const std::function<void(std::size_t, IndexRange)>& run) {
  const std::int64_t stretches = StretchCount(count);
  at::parallel_for(0, stretches, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      run(static_cast<std::size_t>(i), {count * i / stretches, count * (i + 1) / stretches});
    }
  });
}

}  // namespace headroom
