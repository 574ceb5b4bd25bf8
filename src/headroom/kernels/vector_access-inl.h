// SPDX-License-Identifier: Apache-2.0
// Vectors of fp32 from and to fp32 or bf16 memory, whole or the first few lanes. Included once per
// target (Highway's foreach_target), hence no #pragma once.
#if defined(HEADROOM_KERNELS_VECTOR_ACCESS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADROOM_KERNELS_VECTOR_ACCESS_INL_H_
#undef HEADROOM_KERNELS_VECTOR_ACCESS_INL_H_
#else
#define HEADROOM_KERNELS_VECTOR_ACCESS_INL_H_
#endif

#include "headroom/kernels/bfloat16.h"

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using BitsTag = hn::RebindToUnsigned<FloatTag>;
using HalfBitsTag = hn::Rebind<std::uint16_t, FloatTag>;
using FloatVec = hn::Vec<FloatTag>;

HWY_INLINE std::size_t Lanes() { return hn::Lanes(FloatTag()); }
HWY_INLINE FloatVec Splat(float value) { return hn::Set(FloatTag(), value); }
HWY_INLINE FloatVec Splat(double value) { return Splat(static_cast<float>(value)); }
HWY_INLINE FloatVec Zeros() { return hn::Zero(FloatTag()); }

// How many lanes of a vector are in memory.
struct AllLanes {};
struct FirstLanes {
  std::size_t count;  // 1 .. Lanes() - 1
};

// Raw elements. Only AVX-512 (and AVX2 for 32 bits) has masked accesses that stay inside; elsewhere
// a tail goes through a small buffer.
template <class Tag, class T>
HWY_INLINE hn::Vec<Tag> LoadElements(Tag tag, const T* from, AllLanes) {
  return hn::LoadU(tag, from);
}
template <class Tag, class T>
HWY_INLINE hn::Vec<Tag> LoadElements(Tag tag, const T* from, FirstLanes lanes) {
#if HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(tag, lanes.count), tag, from);
#else
#if HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(T) == 4) return hn::MaskedLoad(hn::FirstN(tag, lanes.count), tag, from);
#endif
  alignas(64) T buffer[hn::MaxLanes(tag)] = {};
  for (std::size_t i = 0; i < lanes.count; ++i) buffer[i] = from[i];
  return hn::Load(tag, buffer);
#endif
}
template <class Tag, class T>
HWY_INLINE void StoreElements(hn::Vec<Tag> v, Tag tag, T* to, AllLanes) {
  hn::StoreU(v, tag, to);
}
template <class Tag, class T>
HWY_INLINE void StoreElements(hn::Vec<Tag> v, Tag tag, T* to, FirstLanes lanes) {
#if HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(tag, lanes.count), tag, to);
#else
#if HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(T) == 4) {
    hn::BlendedStore(v, hn::FirstN(tag, lanes.count), tag, to);
    return;
  }
#endif
  alignas(64) T buffer[hn::MaxLanes(tag)];
  hn::Store(v, tag, buffer);
  for (std::size_t i = 0; i < lanes.count; ++i) to[i] = buffer[i];
#endif
}

// Lanes that are not in memory are zero.
template <class LanesKind>
HWY_INLINE FloatVec LoadFloats(const float* from, LanesKind lanes) {
  return LoadElements(FloatTag(), from, lanes);
}
template <class LanesKind>
HWY_INLINE void StoreFloats(FloatVec v, float* to, LanesKind lanes) {
  StoreElements(v, FloatTag(), to, lanes);
}

template <class LanesKind>
HWY_INLINE FloatVec LoadFloats(const BFloat16* from, LanesKind lanes) {
  const auto half = LoadElements(HalfBitsTag(), &from->bits, lanes);
  return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(hn::PromoteTo(BitsTag(), half)));
}
// The rounding of ToBFloat16.
template <class LanesKind>
HWY_INLINE void StoreFloats(FloatVec v, BFloat16* to, LanesKind lanes) {
  const BitsTag bits_tag;
  const auto bits = hn::BitCast(bits_tag, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(bits_tag, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(bits_tag, 0x7fffu))));
  const auto quiet_nan = hn::Or(upper, hn::Set(bits_tag, 0x40u));
  const auto is_nan = hn::RebindMask(bits_tag, hn::IsNaN(v));
  const auto result = hn::IfThenElse(is_nan, quiet_nan, rounded);
  StoreElements(hn::TruncateTo(HalfBitsTag(), result), HalfBitsTag(), &to->bits, lanes);
}

// body(index, lanes) for every vector of [0, width).
template <class Body>
HWY_INLINE void ForEachVector(std::size_t width, const Body& body) {
  const std::size_t lanes = Lanes();
  std::size_t i = 0;
  for (; i + lanes <= width; i += lanes) body(i, AllLanes{});
  if (i < width) body(i, FirstLanes{width - i});
}

}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#endif
