// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/detect/candidate_buffer.h"
#include "headroom/detect/head_view.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

enum class LabelsPerAnchor : std::uint8_t {
  kBest,  // The best class of an anchor.
  kAll,   // Every class above the threshold (validation).
};

struct CandidateRule {
  float confidence = 0.25F;  // Probability that a candidate must exceed.
  LabelsPerAnchor labels = LabelsPerAnchor::kBest;
  std::vector<std::uint8_t>
      wanted;  // By class, 0 or 1; empty: all. Tested after the best is picked.
};

// wanted as above for a list of class ids; ids that the model does not have are ignored.
[[nodiscard]] std::vector<std::uint8_t> WantedClasses(std::span<const std::int32_t> classes,
                                                      int class_count);

// The probability of a logit.
[[nodiscard]] inline float Sigmoid(float logit) { return 1.0F / (1.0F + std::exp(-logit)); }

// Adds all candidates. Logits are compared with the threshold's logit, so the sigmoid is computed
// for candidates only and boxes are not looked at. NaN is never a candidate.
void FindCandidates(const HeadView& head, const CandidateRule& rule, CandidateBuffer& found);
void FindCandidates(const DecodedView& decoded, const CandidateRule& rule, CandidateBuffer& found);

}  // namespace headroom
