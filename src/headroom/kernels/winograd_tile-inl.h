// SPDX-License-Identifier: Apache-2.0
// Tiles of 6x6 inputs and 4x4 outputs, and their transforms: Toom-Cook's with the points 0, a, -a,
// b, -b and infinity, a = sqrt(1/2), b = sqrt(2). (Less is lost to rounding than with the customary
// 1 and 2: the powers stay near 1.) Included once per target (Highway's foreach_target), hence no
// #pragma once.
#if defined(HEADROOM_KERNELS_WINOGRAD_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADROOM_KERNELS_WINOGRAD_TILE_INL_H_
#undef HEADROOM_KERNELS_WINOGRAD_TILE_INL_H_
#else
#define HEADROOM_KERNELS_WINOGRAD_TILE_INL_H_
#endif

#include "headroom/kernels/vector_access-inl.h"
#include "headroom/kernels/winograd_geometry.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {

// Six vectors. Named, since the compiler keeps an array of vectors in memory.
struct Six {
  FloatVec a, b, c, d, e, f;
};
struct Four {
  FloatVec a, b, c, d;
};

HWY_INLINE FloatVec Times(double factor, FloatVec v, FloatVec plus) {
  return hn::MulAdd(Splat(factor), v, plus);
}

inline constexpr double kA = 0.70710678118654752440, kB = 1.41421356237309504880;
inline constexpr double kA2 = 0.5, kB2 = 2;  // And their product is 1.

// B^T d: of each point the coefficients of the product of (x - the other points).
HWY_INLINE Six TransformInputs(const Six& d) {
  const FloatVec even_a = Times(-kB2, d.c, d.e), odd_a = Times(-kB2, d.b, d.d);
  const FloatVec even_b = Times(-kA2, d.c, d.e), odd_b = Times(-kA2, d.b, d.d);
  return {Times(-kA2 - kB2, d.c, hn::Add(d.a, d.e)),
          Times(kA, odd_a, even_a),
          Times(-kA, odd_a, even_a),
          Times(kB, odd_b, even_b),
          Times(-kB, odd_b, even_b),
          Times(-kA2 - kB2, d.d, hn::Add(d.b, d.f))};
}

// A^T m: powers of the points.
HWY_INLINE Four TransformOutputs(const Six& m) {
  const FloatVec sum_a = hn::Add(m.b, m.c), difference_a = hn::Sub(m.b, m.c);
  const FloatVec sum_b = hn::Add(m.d, m.e), difference_b = hn::Sub(m.d, m.e);
  return {hn::Add(m.a, hn::Add(sum_a, sum_b)),
          Times(kA, difference_a, hn::Mul(Splat(kB), difference_b)),
          Times(kA2, sum_a, hn::Mul(Splat(kB2), sum_b)),
          Times(kA2 * kA, difference_a, Times(kB2 * kB, difference_b, m.f))};
}

// What the powers of a point are divided by: the product of its distances to the others. 1 for 0.
inline constexpr double kNormA = 2 * kA2 * (kA2 - kB2), kNormB = 2 * kB2 * (kB2 - kA2);

// G g of a filter's three taps.
HWY_INLINE Six TransformFilter(FloatVec g0, FloatVec g1, FloatVec g2) {
  const FloatVec even_a = hn::Mul(Splat(1 / kNormA), Times(kA2, g2, g0));
  const FloatVec even_b = hn::Mul(Splat(1 / kNormB), Times(kB2, g2, g0));
  return {g0,
          Times(kA / kNormA, g1, even_a),
          Times(-kA / kNormA, g1, even_a),
          Times(kB / kNormB, g1, even_b),
          Times(-kB / kNormB, g1, even_b),
          g2};
}

HWY_INLINE Six LoadSix(const float* from, std::int64_t step) {
  constexpr FloatTag tag;
  return {hn::LoadU(tag, from),
          hn::LoadU(tag, from + step),
          hn::LoadU(tag, from + 2 * step),
          hn::LoadU(tag, from + 3 * step),
          hn::LoadU(tag, from + 4 * step),
          hn::LoadU(tag, from + 5 * step)};
}

HWY_INLINE void StoreSix(const Six& v, float* to, std::int64_t step) {
  constexpr FloatTag tag;
  hn::StoreU(v.a, tag, to);
  hn::StoreU(v.b, tag, to + step);
  hn::StoreU(v.c, tag, to + 2 * step);
  hn::StoreU(v.d, tag, to + 3 * step);
  hn::StoreU(v.e, tag, to + 4 * step);
  hn::StoreU(v.f, tag, to + 5 * step);
}

// B^T d B of one tile and all channels: position p (row * 6 + column) goes to to[p * step ...].
// pixels: the 36 of the tile.
template <class T>
HWY_INLINE void TransformInputTile(const T* const* pixels, std::int64_t channels, std::int64_t step,
                                   float* to) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  alignas(64) float columns[kWinogradPositions * hn::MaxLanes(FloatTag())];
  for (std::int64_t c = 0; c < channels; c += lanes) {
    const auto pixel = [&](std::int64_t y, std::int64_t x) {
      return LoadFloats(pixels[y * 6 + x] + c, AllLanes{});
    };
    for (std::int64_t x = 0; x < 6; ++x) {
      StoreSix(TransformInputs(
                   {pixel(0, x), pixel(1, x), pixel(2, x), pixel(3, x), pixel(4, x), pixel(5, x)}),
               columns + x * lanes, 6 * lanes);
    }
    for (std::int64_t y = 0; y < 6; ++y) {
      StoreSix(TransformInputs(LoadSix(columns + y * 6 * lanes, lanes)), to + y * 6 * step + c,
               step);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#endif
