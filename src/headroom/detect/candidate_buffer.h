// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/bytes.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// An anchor that may be an object of a class.
struct Candidate {
  float score = 0;  // Probability.
  std::uint32_t anchor = 0;
  std::int32_t class_id = 0;

  // Higher score first; then by anchor, then by class: a total order, so results do not depend on
  // how the candidates were found.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.anchor != b.anchor) return a.anchor < b.anchor;
    return a.class_id < b.class_id;
  }
};

// The best `limit` of any number of candidates, in memory for 2 * limit of them: when that is full,
// the worse half is dropped and its best score becomes the floor below which nothing is taken.
// n Adds cost O(n + limit log limit). Not thread-safe.
class CandidateBuffer {
 public:
  // Allocates; limit >= 1.
  explicit CandidateBuffer(std::size_t limit);

  void Clear();
  void Add(const Candidate& candidate) {
    if (full_ && !(candidate < worst_)) return;
    if (candidates_.size() == 2 * limit_) DropWorse();
    candidates_.push_back(candidate);
  }
  // Candidates with a lower score need not be offered; 0 until something was dropped.
  [[nodiscard]] float floor() const { return full_ ? worst_.score : 0.0F; }
  // Best first, at most `limit`. Valid until the next Add or Clear.
  [[nodiscard]] std::span<const Candidate> Sorted();

  [[nodiscard]] static Bytes SizeFor(std::size_t limit) {
    return Bytes::Of(2 * limit, sizeof(Candidate));
  }

 private:
  void DropWorse();

  std::size_t limit_;
  std::vector<Candidate> candidates_;
  bool full_ = false;  // `limit` better ones than worst_ are held, or worst_ is the last of them.
  Candidate worst_;
};

}  // namespace headroom
