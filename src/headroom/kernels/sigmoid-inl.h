// SPDX-License-Identifier: Apache-2.0
// Exponential, sigmoid and the activations on fp32 vectors.
#if defined(HEADROOM_KERNELS_SIGMOID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADROOM_KERNELS_SIGMOID_INL_H_
#undef HEADROOM_KERNELS_SIGMOID_INL_H_
#else
#define HEADROOM_KERNELS_SIGMOID_INL_H_
#endif

#include "headroom/kernels/bn_act.h"
#include "headroom/kernels/vector_access-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {

// e^-x, relative error below 5e-7. x is limited to [-88, 87], where the result is a normal number;
// NaN becomes some finite number, callers bring x in again by a product. Cody-Waite reduction x = r
// - n ln2 with |r| <= ln2 / 2, a polynomial for e^-r (least maximal relative error among those that
// start with 1 - r: 1.05e-7), then n is added to the exponent. n is taken from the low bits of 1.5
// * 2^23 - x / ln2.
HWY_INLINE FloatVec ExpOfNegative(FloatVec x) {
  const BitsTag bits_tag;
  const FloatVec limited = hn::Min(hn::Max(x, Splat(-88.0f)), Splat(87.0f));
  const FloatVec magic = Splat(12582912.0f);
  const FloatVec shifted = hn::NegMulAdd(limited, Splat(1.44269504f), magic);
  const FloatVec n = hn::Sub(shifted, magic);
#if HWY_NATIVE_FMA
  // fp32's ln2 is off by 1.9e-9, times n at most 2.5e-7.
  const FloatVec r = hn::MulAdd(n, Splat(0.693147180559945f), limited);
#else
  // The first product is exact: its constant has 12 bits.
  const FloatVec coarse = hn::MulAdd(n, Splat(0.693359375f), limited);
  const FloatVec r = hn::MulAdd(n, Splat(-2.12194440e-4f), coarse);
#endif
  FloatVec p = Splat(-0.008312501013278961f);
  p = hn::MulAdd(p, r, Splat(0.041890330612659454f));
  p = hn::MulAdd(p, r, Splat(-0.16667115688323975f));
  p = hn::MulAdd(p, r, Splat(0.499992311000824f));
  p = hn::MulAdd(p, r, Splat(-1.0f));
  p = hn::MulAdd(p, r, Splat(1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(bits_tag, shifted));
  return hn::BitCast(FloatTag(), hn::Add(hn::BitCast(bits_tag, p), exponent));
}

// 1 / d for 1 <= d < 2^127: the hardware's estimate and one Newton step, relative error below 4e-7.
HWY_INLINE FloatVec Reciprocal(FloatVec d) {
  const FloatVec estimate = hn::ApproximateReciprocal(d);
  return hn::Mul(estimate, hn::NegMulAdd(d, estimate, Splat(2.0f)));
}

// 1 / (1 + e^-z); in [0, 1] for every z.
HWY_INLINE FloatVec Sigmoid(FloatVec z) {
  return Reciprocal(hn::Add(Splat(1.0f), ExpOfNegative(z)));
}

template <Activation kActivation>
HWY_INLINE FloatVec Activate(FloatVec z) {
  if constexpr (kActivation == Activation::kSilu) {
    return hn::Mul(z, Sigmoid(z));
  } else {
    return z;
  }
}

// gradient * act'(z); silu' = s + z s (1 - s).
template <Activation kActivation>
HWY_INLINE FloatVec ActivateGradient(FloatVec z, FloatVec gradient) {
  if constexpr (kActivation == Activation::kSilu) {
    const FloatVec s = Sigmoid(z);
    const FloatVec silu = hn::Mul(z, s);
    return hn::Mul(gradient, hn::Add(s, hn::NegMulAdd(silu, s, silu)));
  } else {
    return gradient;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#endif
