// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/candidate_buffer.h"

#include "headroom/core/check.h"

#include <algorithm>

namespace headroom {

CandidateBuffer::CandidateBuffer(std::size_t limit) : limit_(limit) {
  HEADROOM_CHECK(limit >= 1, "room for no candidate");
  candidates_.reserve(2 * limit);
}

void CandidateBuffer::Clear() {
  candidates_.clear();
  full_ = false;
}

void CandidateBuffer::DropWorse() {
  const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(limit_ - 1);
  std::nth_element(candidates_.begin(), last, candidates_.end());
  worst_ = *last;
  full_ = true;
  candidates_.resize(limit_);
}

std::span<const Candidate> CandidateBuffer::Sorted() {
  if (candidates_.size() > limit_) DropWorse();
  std::sort(candidates_.begin(), candidates_.end());
  return candidates_;
}

}  // namespace headroom
