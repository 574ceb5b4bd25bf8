// SPDX-License-Identifier: Apache-2.0
#include "headroom/detect/find_candidates.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// A logit below which the float sigmoid certainly does not exceed the probability; the margin
// covers the rounding of the sigmoid, and the exact test follows on the probability.
float LogitBound(float probability) {
  const double p = probability * (1 - 1e-6);
  return static_cast<float>(std::log(p / (1 - p)));
}

// Rows are mostly without a candidate: this loop is what the compiler can vectorize.
bool AnyAbove(const float* row, int count, float bound) {
  int above = 0;
  for (int c = 0; c < count; ++c) above |= static_cast<int>(row[c] > bound);
  return above != 0;
}

// NaN is never the best.
int BestClass(const float* row, int count) {
  int best = 0;
  float value = -INFINITY;
  for (int c = 0; c < count; ++c) {
    if (row[c] > value) {
      best = c;
      value = row[c];
    }
  }
  return best;
}

// Takes one anchor after another.
class Finder {
 public:
  Finder(const CandidateRule& rule, CandidateBuffer& found) : rule_(rule), found_(found) {
    SetBound();
  }

  [[nodiscard]] float logit_bound() const { return logit_bound_; }

  void AddProbability(std::uint32_t anchor, int class_id, float probability) {
    const bool wanted =
        rule_.wanted.empty() || rule_.wanted[static_cast<std::size_t>(class_id)] != 0;
    if (wanted && probability > rule_.confidence) found_.Add({probability, anchor, class_id});
  }

  void AddLogits(std::uint32_t anchor, const float* row, int count) {
    if (!AnyAbove(row, count, logit_bound_)) return;
    if (rule_.labels == LabelsPerAnchor::kBest) {
      const int best = BestClass(row, count);
      AddProbability(anchor, best, Sigmoid(row[best]));
    } else {
      for (int c = 0; c < count; ++c) {
        if (row[c] > logit_bound_) AddProbability(anchor, c, Sigmoid(row[c]));
      }
    }
    if (found_.floor() > floor_) SetBound();
  }

 private:
  void SetBound() {
    floor_ = found_.floor();
    logit_bound_ = LogitBound(std::max(rule_.confidence, floor_));
  }

  const CandidateRule& rule_;
  CandidateBuffer& found_;
  float floor_ = 0;
  float logit_bound_ = 0;
};

}  // namespace

std::vector<std::uint8_t> WantedClasses(std::span<const std::int32_t> classes, int class_count) {
  if (classes.empty()) return {};
  std::vector<std::uint8_t> wanted(static_cast<std::size_t>(class_count));
  for (const std::int32_t c : classes) {
    if (c >= 0 && c < class_count) wanted[static_cast<std::size_t>(c)] = 1;
  }
  return wanted;
}

void FindCandidates(const HeadView& head, const CandidateRule& rule, CandidateBuffer& found) {
  Finder finder(rule, found);
  std::uint32_t anchor = 0;
  for (const HeadLevelView& level : head.levels) {
    const float* row = level.classes;
    for (std::size_t cell = 0; cell < level.anchor_count(); ++cell) {
      finder.AddLogits(anchor++, row, head.class_count);
      row += level.class_row_stride;
    }
  }
}

void FindCandidates(const DecodedView& decoded, const CandidateRule& rule, CandidateBuffer& found) {
  Finder finder(rule, found);
  for (std::size_t anchor = 0; anchor < decoded.anchor_count; ++anchor) {
    const auto id = static_cast<std::uint32_t>(anchor);
    int best = 0;
    float best_score = -INFINITY;
    for (int c = 0; c < decoded.class_count; ++c) {
      const float score = decoded.At(4 + static_cast<std::size_t>(c), anchor);
      if (rule.labels == LabelsPerAnchor::kAll) {
        finder.AddProbability(id, c, score);
      } else if (score > best_score) {
        best = c;
        best_score = score;
      }
    }
    if (rule.labels == LabelsPerAnchor::kBest) finder.AddProbability(id, best, best_score);
  }
}

}  // namespace headroom
