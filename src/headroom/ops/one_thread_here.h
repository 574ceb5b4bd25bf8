// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/memory/tag_scope.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <omp.h>

namespace headroom {

// In a thread of a parallel loop: what oneDNN makes here is made for one thread (it asks OpenMP for
// the number of threads even inside a parallel region, and would then wait for threads that do not
// come), without gradients, and what LibTorch allocates is workspace.
class OneThreadHere {
 public:
  // (Asking ATen, too: a thread's first question to it sets the number.)
  OneThreadHere() : before_(at::get_num_threads()) { omp_set_num_threads(1); }
  ~OneThreadHere() { omp_set_num_threads(before_); }
  OneThreadHere(const OneThreadHere&) = delete;
  OneThreadHere& operator=(const OneThreadHere&) = delete;

 private:
  const int before_;
  const at::NoGradGuard no_grad_;
  const TagScope tag_{MemoryTag::kWorkspace};
};

}  // namespace headroom
