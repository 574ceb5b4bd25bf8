// SPDX-License-Identifier: Apache-2.0
#include "headroom/loss/bce_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/loss/bce_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A float lane takes this many terms before it goes to the double: bounds the rounding, whatever
// the number of lanes.
constexpr std::size_t kTermsOfALane = 64;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Softplus {
  V value;
  V sigmoid;
};

HWY_INLINE Softplus Evaluate(D d, V x) {
  const V one = hn::Set(d, 1.F);
  const V e = hn::Exp(d, hn::Neg(hn::Abs(x)));  // In (0, 1]: never overflows.
  const V inverse = hn::Div(one, hn::Add(one, e));
  const V sigmoid = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(e, inverse), inverse);
  const V positive = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);  // Keeps NaN.
  return {hn::Add(positive, hn::Log1p(d, e)), sigmoid};
}

// `count` lanes of the arrays are valid; weights and gradients may be null.
HWY_INLINE V Lanes(D d, const float* logits, const float* weights, V factor, float* gradients) {
  Softplus s = Evaluate(d, hn::LoadU(d, logits));
  if (weights != nullptr) {
    const V weight = hn::LoadU(d, weights);
    s.value = hn::Mul(s.value, weight);
    s.sigmoid = hn::Mul(s.sigmoid, weight);
  }
  if (gradients != nullptr) hn::StoreU(hn::Mul(s.sigmoid, factor), d, gradients);
  return s.value;
}

// The last few logits, through a full vector whose idle lanes are far below zero: softplus 0.
HWY_INLINE float Tail(D d, const float* logits, const float* weights, V factor, float* gradients,
                      std::size_t count) {
  HWY_ALIGN float x[HWY_MAX_BYTES / sizeof(float)], w[HWY_MAX_BYTES / sizeof(float)],
      g[HWY_MAX_BYTES / sizeof(float)];
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    x[i] = i < count ? logits[i] : -1e30F;
    w[i] = i < count && weights != nullptr ? weights[i] : 1.F;
  }
  const V value = Lanes(d, x, w, factor, g);
  for (std::size_t i = 0; i < count && gradients != nullptr; ++i) gradients[i] = g[i];
  return hn::GetLane(hn::SumOfLanes(d, value));
}

double Negatives(const float* logits, const float* weights, float factor, float* gradients,
                 std::size_t count) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t block = kTermsOfALane * lanes;
  const V factors = hn::Set(d, factor);
  double total = 0;
  for (std::size_t begin = 0; begin < count; begin += block) {
    const std::size_t end = begin + block < count ? begin + block : count;
    const auto at = [](auto* p, std::size_t i) { return p == nullptr ? nullptr : p + i; };
    V sum = hn::Zero(d);
    std::size_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      sum = hn::Add(sum, Lanes(d, logits + i, at(weights, i), factors, at(gradients, i)));
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
    if (i < end) {
      total += static_cast<double>(
          Tail(d, logits + i, at(weights, i), factors, at(gradients, i), end - i));
    }
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {
HWY_EXPORT(Negatives);

double BinaryCrossEntropyOfNegatives(std::span<const float> logits, std::span<const float> weights,
                                     float factor, std::span<float> gradients) {
  return HWY_DYNAMIC_DISPATCH(Negatives)(logits.data(), weights.empty() ? nullptr : weights.data(),
                                         factor, gradients.empty() ? nullptr : gradients.data(),
                                         logits.size());
}

}  // namespace headroom
#endif  // HWY_ONCE
