// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace headroom {

// One side of a box (its distance from the anchor, in stride units) from the head's logits.
// With a distribution of n > 1 bins (Li et al. 2020, Generalized Focal Loss, arXiv:2006.04388) it
// is the expectation of softmax(logits) over 0 .. n - 1; with one bin it is the raw value. T is
// float or double.

// Writes softmax(logits) and returns the expectation; n > 1.
template <typename T>
T ExpectedDistance(std::span<const T> logits, std::span<T> probabilities) {
  const T top = *std::max_element(logits.begin(), logits.end());
  T total = 0, weighted = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const T e = std::exp(logits[i] - top);
    probabilities[i] = e;
    total += e;
    weighted += e * static_cast<T>(i);
  }
  for (T& p : probabilities) p /= total;
  return weighted / total;
}

// Distribution focal loss (ibid., eq. 6) of one side: cross entropy with the two bins around the
// target, which is clamped to 0 .. n - 1.01 as in the reference. Probabilities as written above.
// Adds d_distance * d(expectation) + factor * d(loss) to the gradients by the logits (may be
// empty).
template <typename T>
T DistanceDistributionTerm(std::span<const T> logits, std::span<const T> probabilities, T distance,
                           T target, T d_distance, T factor, std::span<T> gradients) {
  const T clamped = std::clamp(target, T(0), static_cast<T>(logits.size()) - T(1.01));
  const auto left = static_cast<std::size_t>(clamped);
  const T right_weight = clamped - static_cast<T>(left), left_weight = T(1) - right_weight;
  if (!gradients.empty()) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      gradients[i] += probabilities[i] * (d_distance * (static_cast<T>(i) - distance) + factor);
    }
    gradients[left] -= factor * left_weight;
    gradients[left + 1] -= factor * right_weight;
  }
  // log softmax from the logits, not from the probabilities, which may round to zero.
  const T top = *std::max_element(logits.begin(), logits.end());
  T total = 0;
  for (const T x : logits) total += std::exp(x - top);
  const T log_total = std::log(total) + top;
  return left_weight * (log_total - logits[left]) + right_weight * (log_total - logits[left + 1]);
}

// |distance - target| times `scale` (stride / image side); its derivative by the distance.
template <typename T>
struct AbsoluteTerm {
  T value;
  T derivative;
};
template <typename T>
[[nodiscard]] inline AbsoluteTerm<T> AbsoluteDistanceTerm(T distance, T target, T scale) {
  const T difference = distance - target;
  const T sign = difference > T(0) ? T(1) : difference < T(0) ? T(-1) : T(0);
  return {std::abs(difference) * scale, sign * scale};
}

}  // namespace headroom
