// SPDX-License-Identifier: Apache-2.0
// The vectorised half of hsv.h.
#include "headroom/data/augment/hsv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/data/augment/hsv_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace headroom::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void JitterPixels(const HsvJitter& jitter, std::uint8_t* rgb, int pixels) {
  JitterHsvReference(jitter, rgb, pixels);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// 16-bit lanes but for two divisions. All values are integers and all results exact, whatever the
// target: the reciprocals are only good to 22 bits, but no quotient lies that near to a half.
using D16 = hn::CappedTag<std::int16_t, 32>;
constexpr D16 d16;
constexpr hn::RebindToUnsigned<D16> du16;
constexpr hn::Half<D16> d16_half;
constexpr hn::RepartitionToWide<D16> d32;
constexpr hn::Rebind<float, decltype(d32)> df;
constexpr hn::Rebind<std::uint8_t, D16> d8_part;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<decltype(d32)>;

constexpr int kStep = HWY_MAX_BYTES >= 64 ? 32 : 16;  // Pixels that are loaded at a time.
constexpr hn::FixedTag<std::uint8_t, kStep> d8;
using V8 = hn::Vec<decltype(d8)>;

// (part * round(whole / divisor) + 2048) >> 12; divisor >= 1.
HWY_INLINE V32 ScaledShare(V32 part, int whole, V32 divisor) {
  const auto x = hn::ConvertTo(df, divisor);
  const auto rough = hn::ApproximateReciprocal(x);
  const auto reciprocal = hn::Mul(rough, hn::NegMulAdd(x, rough, hn::Set(df, 2)));
  const V32 per_part = hn::NearestInt(hn::Mul(reciprocal, hn::Set(df, static_cast<float>(whole))));
  return hn::ShiftRight<12>(hn::Add(hn::Mul(part, per_part), hn::Set(d32, 2048)));
}

HWY_INLINE V16 ScaledShare(V16 part, int whole, V16 divisor) {
  const V32 lower = ScaledShare(hn::PromoteTo(d32, hn::LowerHalf(part)), whole,
                                hn::PromoteTo(d32, hn::LowerHalf(divisor)));
  const V32 upper = ScaledShare(hn::PromoteTo(d32, hn::UpperHalf(d16_half, part)), whole,
                                hn::PromoteTo(d32, hn::UpperHalf(d16_half, divisor)));
  return hn::Combine(d16, hn::DemoteTo(d16_half, upper), hn::DemoteTo(d16_half, lower));
}

struct Rgb {
  V16 r, g, b;
};

// What JitterHsv does to every pixel of an image.
struct Gains {
  V16 hue;  // Whole steps: hues are whole too, so what is behind the point goes.
  hn::Vec<decltype(du16)> saturation;  // Times 4096.
  hn::Vec<decltype(du16)> value;
};

HWY_INLINE V16 HueOf(const Rgb& in, V16 value, V16 range) {
  const V16 range2 = hn::Add(range, range);
  const V16 blue = hn::Add(hn::Sub(in.r, in.g), hn::Add(range2, range2));
  const V16 green = hn::Add(hn::Sub(in.b, in.r), range2);
  V16 sector = hn::IfThenElse(hn::Eq(value, in.g), green, blue);
  sector = hn::IfThenElse(hn::Eq(value, in.r), hn::Sub(in.g, in.b), sector);
  return ScaledShare(sector, (180 << 12) / 6, hn::Max(range, hn::Set(d16, 1)));
}

// -210 ... 329 -> the same modulo 180, from 0 on.
HWY_INLINE V16 Turn(V16 hue) {
  auto turned = hn::BitCast(du16, hn::Add(hue, hn::Set(d16, 360)));
  turned = hn::Min(turned, hn::Sub(turned, hn::Set(du16, 360)));  // Wraps to large when negative.
  turned = hn::Min(turned, hn::Sub(turned, hn::Set(du16, 180)));
  return hn::BitCast(d16, turned);
}

// min(trunc(v * gain), 255) for v <= 255.
HWY_INLINE V16 Scaled(V16 v, hn::Vec<decltype(du16)> gain) {
  const auto scaled = hn::MulHigh(hn::ShiftLeft<4>(hn::BitCast(du16, v)), gain);
  return hn::Min(hn::BitCast(d16, scaled), hn::Set(d16, 255));
}

HWY_INLINE Rgb JitterPart(const Gains& gains, const Rgb& in) {
  const V16 third = hn::Set(d16, 30);
  const V16 two_thirds = hn::Set(d16, 60);
  const V16 value = hn::Max(in.r, hn::Max(in.g, in.b));
  const V16 range = hn::Sub(value, hn::Min(in.r, hn::Min(in.g, in.b)));
  const V16 saturation = ScaledShare(range, 255 << 12, hn::Max(value, hn::Set(d16, 1)));
  const V16 hue = Turn(hn::Add(HueOf(in, value, range), gains.hue));
  const V16 new_saturation = Scaled(saturation, gains.saturation);
  const V16 new_value = Scaled(value, gains.value);

  // See the twin for the meaning of the numbers.
  const auto product = hn::BitCast(du16, hn::Mul(new_value, new_saturation));
  const V16 chroma = hn::BitCast(d16, hn::MulHigh(product, hn::Set(du16, 32897)));
  const V16 top = hn::Add(hn::ShiftLeft<7>(new_value), hn::Set(d16, 64));
  const auto channel = [&](V16 distance) {
    const V16 d = hn::Min(hn::Max(distance, hn::Zero(d16)), third);
    const V16 share = hn::Add(hn::Mul(d, hn::Set(d16, 1092)), hn::ShiftRight<2>(d));
    return hn::ShiftRight<7>(hn::Sub(top, hn::MulFixedPoint15(chroma, share)));
  };
  return {channel(hn::Sub(two_thirds, hn::Abs(hn::Sub(hue, hn::Set(d16, 90))))),
          channel(hn::Sub(hn::Abs(hn::Sub(hue, two_thirds)), third)),
          channel(hn::Sub(hn::Abs(hn::Sub(hue, hn::Set(d16, 120))), third))};
}

HWY_INLINE void JitterStep(const Gains& gains, std::uint8_t* rgb) {
  HWY_ALIGN std::uint8_t r[kStep], g[kStep], b[kStep];
  V8 vr, vg, vb;
  hn::LoadInterleaved3(d8, rgb, vr, vg, vb);
  hn::Store(vr, d8, r);
  hn::Store(vg, d8, g);
  hn::Store(vb, d8, b);
  const auto widen = [&](const std::uint8_t* p) {
    return hn::PromoteTo(d16, hn::LoadU(d8_part, p));
  };
  for (int i = 0; i < kStep; i += static_cast<int>(hn::Lanes(d16))) {
    const Rgb out = JitterPart(gains, {widen(r + i), widen(g + i), widen(b + i)});
    hn::StoreU(hn::DemoteTo(d8_part, out.r), d8_part, r + i);
    hn::StoreU(hn::DemoteTo(d8_part, out.g), d8_part, g + i);
    hn::StoreU(hn::DemoteTo(d8_part, out.b), d8_part, b + i);
  }
  hn::StoreInterleaved3(hn::Load(d8, r), hn::Load(d8, g), hn::Load(d8, b), d8, rgb);
}

void JitterPixels(const HsvJitter& jitter, std::uint8_t* rgb, int pixels) {
  const auto gain = [](float g) { return hn::Set(du16, static_cast<std::uint16_t>(g * 4096)); };
  const Gains gains{hn::Set(d16, static_cast<std::int16_t>(std::floor(jitter.hue_shift))),
                    gain(jitter.saturation_gain), gain(jitter.value_gain)};
  int i = 0;
  for (; i + kStep <= pixels; i += kStep) JitterStep(gains, rgb + 3 * i);
  if (i == pixels) return;
  std::uint8_t rest[3 * kStep] = {};
  const auto bytes = static_cast<std::size_t>(pixels - i) * 3;
  std::memcpy(rest, rgb + 3 * i, bytes);
  JitterStep(gains, rest);
  std::memcpy(rgb + 3 * i, rest, bytes);
}

#endif
}  // namespace
}  // namespace headroom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(JitterPixels);
void JitterHsv(const HsvJitter& jitter, std::uint8_t* rgb, int pixels) {
  if (!jitter.IsIdentity()) HWY_DYNAMIC_DISPATCH(JitterPixels)(jitter, rgb, pixels);
}

}  // namespace headroom
#endif
