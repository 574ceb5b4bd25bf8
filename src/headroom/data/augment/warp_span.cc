// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/augment/warp_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/data/augment/warp_span.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace headroom::internal::HWY_NAMESPACE {
namespace {

constexpr int kBlock = 64;  // Pixels whose offsets and weights are computed at a time.
constexpr int kGroup = 4;   // Pixels that are blended and stored together.

// Offsets in bytes of the upper left neighbour, and the weights of the upper and of the lower two
// (left | right << 16), which sum up to 1024.
struct Block {
  HWY_ALIGN std::int32_t offset[kBlock];
  HWY_ALIGN std::uint32_t upper[kBlock];
  HWY_ALIGN std::uint32_t lower[kBlock];
};

HWY_INLINE void BlendOne(const WarpSpan& span, const Block& block, int i, std::uint8_t* out) {
  const std::uint8_t* p = span.pixels + block.offset[i];
  const std::uint8_t* q = p + span.row_stride;
  const std::uint32_t upper = block.upper[i];
  const std::uint32_t lower = block.lower[i];
  for (int c = 0; c < 3; ++c) {
    const std::uint32_t sum = p[c] * (upper & 0xffff) + p[c + 3] * (upper >> 16) +
                              q[c] * (lower & 0xffff) + q[c + 3] * (lower >> 16);
    out[c] = static_cast<std::uint8_t>((sum + 512) >> 10);
  }
}

#if HWY_TARGET == HWY_SCALAR

void BlendWarpSpan(const WarpSpan& span) {
  Block block;
  for (int i = 0; i < span.count; ++i) {
    const std::int32_t x = (span.base_x + span.table_x[i]) >> 5;
    const std::int32_t y = (span.base_y + span.table_y[i]) >> 5;
    const auto right = static_cast<std::uint32_t>(x & 31);
    const auto down = static_cast<std::uint32_t>(y & 31);
    const std::uint32_t sides = (32 - right) | right << 16;
    block.offset[0] = (y >> 5) * static_cast<std::int32_t>(span.row_stride) + (x >> 5) * 3;
    block.upper[0] = sides * (32 - down);
    block.lower[0] = sides * down;
    BlendOne(span, block, 0, span.out + 3 * i);
  }
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using D8 = hn::CappedTag<std::uint8_t, 64>;
using V8 = hn::Vec<D8>;
constexpr D8 d8;
constexpr hn::Repartition<std::int16_t, D8> d16;
constexpr hn::Repartition<std::int32_t, D8> d32;
constexpr hn::FixedTag<std::uint8_t, 16> d8x16;

HWY_INLINE void PrepareBlock(const WarpSpan& span, int first, int count, Block& block) {
  const hn::CappedTag<std::int32_t, 16> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Repartition<std::uint16_t, decltype(d)> du16;
  const auto base_x = hn::Set(d, span.base_x);
  const auto base_y = hn::Set(d, span.base_y);
  const auto stride = hn::Set(d, static_cast<std::int32_t>(span.row_stride));
  const auto fraction = hn::Set(d, 31);
  const auto one = hn::Set(du, 32);
  const auto twice = [](auto v) { return hn::Or(v, hn::ShiftLeft<16>(v)); };
  for (int i = 0; i < count; i += static_cast<int>(hn::Lanes(d))) {
    const auto x = hn::ShiftRight<5>(hn::Add(base_x, hn::LoadU(d, span.table_x + first + i)));
    const auto y = hn::ShiftRight<5>(hn::Add(base_y, hn::LoadU(d, span.table_y + first + i)));
    const auto column = hn::ShiftRight<5>(x);
    const auto offset =
        hn::Add(hn::Mul(hn::ShiftRight<5>(y), stride), hn::Add(column, hn::Add(column, column)));
    const auto right = hn::BitCast(du, hn::And(x, fraction));
    const auto down = hn::BitCast(du, hn::And(y, fraction));
    const auto sides = hn::BitCast(du16, hn::Or(hn::Sub(one, right), hn::ShiftLeft<16>(right)));
    const auto up = hn::BitCast(du16, twice(hn::Sub(one, down)));
    hn::Store(offset, d, block.offset + i);
    hn::Store(hn::BitCast(du, hn::Mul(sides, up)), du, block.upper + i);
    hn::Store(hn::BitCast(du, hn::Mul(sides, hn::BitCast(du16, twice(down)))), du, block.lower + i);
  }
}

// 16 bytes from each of the next pixels' places, one 128-bit block a pixel.
HWY_INLINE V8 LoadPixels(const std::uint8_t* pixels, const std::int32_t* offset) {
#if HWY_MAX_BYTES >= 64
  const hn::Half<D8> half;
  const auto lower =
      hn::Combine(half, hn::LoadU(d8x16, pixels + offset[1]), hn::LoadU(d8x16, pixels + offset[0]));
  const auto upper =
      hn::Combine(half, hn::LoadU(d8x16, pixels + offset[3]), hn::LoadU(d8x16, pixels + offset[2]));
  return hn::Combine(d8, upper, lower);
#elif HWY_MAX_BYTES >= 32
  return hn::Combine(d8, hn::LoadU(d8x16, pixels + offset[1]),
                     hn::LoadU(d8x16, pixels + offset[0]));
#else
  return hn::LoadU(d8, pixels + offset[0]);
#endif
}

// Bytes r0 g0 b0 r1 g1 b1 -> 16-bit pairs r0 r1, g0 g1, b0 b1, nothing.
alignas(16) constexpr std::uint8_t kPairs[16] = {0, 0x80, 3, 0x80, 1,    0x80, 4,    0x80,
                                                 2, 0x80, 5, 0x80, 0x80, 0x80, 0x80, 0x80};
// Four times r g b x -> four times r g b.
alignas(16) constexpr std::uint8_t kPacked[16] = {0,  1,  2,  4,  5, 6, 8,  9,
                                                  10, 12, 13, 14, 3, 7, 11, 15};

// For vector j of a group: the byte indices that spread the weight of each block's pixel.
HWY_INLINE V8 SpreadIndex(int j) {
  HWY_ALIGN std::uint8_t index[64];
  const int pixels = static_cast<int>(hn::Lanes(d8)) / 16;
  for (int i = 0; i < pixels * 16; ++i) {
    index[i] = static_cast<std::uint8_t>((j * pixels + i / 16) * 4 + i % 4);
  }
  return hn::Load(d8, index);
}

HWY_INLINE hn::Vec<decltype(d32)> BlendPixels(V8 upper, V8 lower, V8 upper_weights,
                                              V8 lower_weights) {
  const auto pairs = hn::LoadDup128(d8, kPairs);
  auto odd = hn::Zero(d32);
  auto sum = hn::Set(d32, 512);
  sum = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, hn::TableLookupBytesOr0(upper, pairs)),
                                      hn::BitCast(d16, upper_weights), sum, odd);
  sum = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, hn::TableLookupBytesOr0(lower, pairs)),
                                      hn::BitCast(d16, lower_weights), sum, odd);
  return hn::ShiftRight<10>(hn::RearrangeToOddPlusEven(sum, odd));
}

// Four pixels: 12 bytes, stored as 16.
HWY_INLINE hn::Vec<decltype(d8x16)> BlendGroup(const WarpSpan& span, const Block& block, int i,
                                               const V8* spread) {
  const auto* upper_row = span.pixels;
  const auto* lower_row = span.pixels + span.row_stride;
  const auto upper =
      hn::BitCast(d8, hn::LoadDup128(hn::Repartition<std::uint32_t, D8>(), block.upper + i));
  const auto lower =
      hn::BitCast(d8, hn::LoadDup128(hn::Repartition<std::uint32_t, D8>(), block.lower + i));
  const auto blend = [&](int j, int pixel) {
    return BlendPixels(
        LoadPixels(upper_row, block.offset + pixel), LoadPixels(lower_row, block.offset + pixel),
        hn::TableLookupBytes(upper, spread[j]), hn::TableLookupBytes(lower, spread[j]));
  };
  const hn::FixedTag<std::int16_t, 8> half16;
#if HWY_MAX_BYTES >= 64
  return hn::TableLookupBytes(hn::DemoteTo(d8x16, blend(0, i)), hn::Load(d8x16, kPacked));
#elif HWY_MAX_BYTES >= 32
  const hn::FixedTag<std::int16_t, 4> quarter16;
  const hn::FixedTag<std::int32_t, 4> quarter32;
  const auto demote = [&](auto v) {
    return hn::Combine(half16, hn::DemoteTo(quarter16, hn::UpperHalf(quarter32, v)),
                       hn::DemoteTo(quarter16, hn::LowerHalf(quarter32, v)));
  };
  const auto first = demote(blend(0, i));
  const auto second = demote(blend(1, i + 2));
#else
  const hn::FixedTag<std::int16_t, 4> quarter16;
  const auto pair = [&](auto a, auto b) {
    return hn::Combine(half16, hn::DemoteTo(quarter16, b), hn::DemoteTo(quarter16, a));
  };
  const auto first = pair(blend(0, i), blend(1, i + 1));
  const auto second = pair(blend(2, i + 2), blend(3, i + 3));
#endif
#if HWY_MAX_BYTES < 64
  const hn::FixedTag<std::uint8_t, 8> half8;
  const auto bytes = hn::Combine(d8x16, hn::DemoteTo(half8, second), hn::DemoteTo(half8, first));
  return hn::TableLookupBytes(bytes, hn::Load(d8x16, kPacked));
#endif
}

void BlendWarpSpan(const WarpSpan& span) {
  constexpr int kVectors = kGroup * 16 / HWY_MAX(16, HWY_MIN(64, HWY_MAX_BYTES));
  V8 spread[kVectors];
  for (int j = 0; j < kVectors; ++j) spread[j] = SpreadIndex(j);
  Block block;
  for (int first = 0; first < span.count; first += kBlock) {
    const int count = HWY_MIN(kBlock, span.count - first);
    PrepareBlock(span, first, count, block);
    std::uint8_t* out = span.out + first * 3;
    int i = 0;
    // A group's store spills 4 bytes over the next two pixels, which must be ours (and are written
    // later).
    const int last = HWY_MIN(count, span.count - first - 2);
    for (; i + kGroup <= last; i += kGroup) {
      hn::StoreU(BlendGroup(span, block, i, spread), d8x16, out + i * 3);
    }
    for (; i < count; ++i) BlendOne(span, block, i, out + i * 3);
  }
}

#endif
}  // namespace
}  // namespace headroom::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom::internal {

HWY_EXPORT(BlendWarpSpan);
void BlendWarpSpan(const WarpSpan& span) { HWY_DYNAMIC_DISPATCH(BlendWarpSpan)(span); }

}  // namespace headroom::internal
#endif
