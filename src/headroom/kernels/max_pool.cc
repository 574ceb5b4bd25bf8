// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/max_pool.h"

#include "headroom/core/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/max_pool.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

#ifndef HEADROOM_KERNELS_POOL_TILE
#define HEADROOM_KERNELS_POOL_TILE
namespace headroom {
namespace {
constexpr std::int64_t kPoolChannels = 16;
constexpr std::int64_t kPoolMaps = 5;
}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// One image's tile of channels, as height x width x kPoolChannels floats in scratch.
class Map {
 public:
  Map(std::span<float> scratch, const ImageShape& shape, std::int64_t index)
      : values_(scratch.data() + index * shape.height * shape.width * kPoolChannels) {}
  HWY_INLINE FloatVec At(std::int64_t i) const { return hn::LoadU(FloatTag(), values_ + i); }
  HWY_INLINE void Set(std::int64_t i, FloatVec v) const { hn::StoreU(v, FloatTag(), values_ + i); }

 private:
  float* values_;
};

// A work item: which rows and channels, and how lines and columns lie in a Map.
struct PoolItem {
  PoolItem(const MaxPool& pool, std::int64_t index) : radius(pool.kernel / 2) {
    const ImageShape& s = pool.shape;
    const std::int64_t tiles = (s.channels + kPoolChannels - 1) / kPoolChannels;
    pixels = s.height * s.width;
    first_row = index / tiles * pixels;
    channel = index % tiles * kPoolChannels;
    channels = std::min(kPoolChannels, s.channels - channel);
    along_lines = {s.height, s.width * kPoolChannels, s.width, kPoolChannels};
    across_lines = {s.width, kPoolChannels, s.height, s.width * kPoolChannels};
  }
  // `count` sequences, `step` floats apart, of `length` positions, `stride` floats apart.
  struct Axis {
    std::int64_t count, step, length, stride;
  };
  std::int64_t radius, pixels, first_row, channel, channels;
  Axis along_lines, across_lines;
};

// visit(pixel, offset in the map, vector's offset in the tile) for every vector of a map.
template <class Visit>
HWY_INLINE void ForEachMapVector(const PoolItem& item, const Visit& visit) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  for (std::int64_t p = 0; p < item.pixels; ++p) {
    for (std::int64_t v = 0; v < kPoolChannels; v += lanes) visit(p, p * kPoolChannels + v, v);
  }
}

// Adds to or replaces the map by the item's part of a tensor; lanes beyond its channels become
// zero.
template <class T>
void LoadMapAs(const ConstRowTensor& from, const PoolItem& item, GradientWrite write,
               const Map& map) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  ForEachMapVector(item, [&](std::int64_t p, std::int64_t i, std::int64_t v) HWY_ATTR {
    const T* at = static_cast<const T*>(from.data) + (item.first_row + p) * from.row_stride +
                  item.channel + v;
    const std::int64_t rest = item.channels - v;
    FloatVec loaded = Zeros();
    if (rest >= lanes) {
      loaded = LoadFloats(at, AllLanes{});
    } else if (rest > 0) {
      loaded = LoadFloats(at, FirstLanes{static_cast<std::size_t>(rest)});
    }
    if (write == GradientWrite::kAccumulate) loaded = hn::Add(loaded, map.At(i));
    map.Set(i, loaded);
  });
}

void LoadMap(const ConstRowTensor& from, const PoolItem& item, GradientWrite write,
             const Map& map) {
  if (from.type == ElementType::kFloat32) {
    LoadMapAs<float>(from, item, write, map);
  } else {
    LoadMapAs<BFloat16>(from, item, write, map);
  }
}

template <class T>
void StoreMapAs(const Map& map, const PoolItem& item, const RowTensor& to) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  ForEachMapVector(item, [&](std::int64_t p, std::int64_t i, std::int64_t v) HWY_ATTR {
    T* at = static_cast<T*>(to.data) + (item.first_row + p) * to.row_stride + item.channel + v;
    const std::int64_t rest = item.channels - v;
    if (rest >= lanes) {
      StoreFloats(map.At(i), at, AllLanes{});
    } else if (rest > 0) {
      StoreFloats(map.At(i), at, FirstLanes{static_cast<std::size_t>(rest)});
    }
  });
}

void StoreMap(const Map& map, const PoolItem& item, const RowTensor& to) {
  if (to.type == ElementType::kFloat32) {
    StoreMapAs<float>(map, item, to);
  } else {
    StoreMapAs<BFloat16>(map, item, to);
  }
}

// visit(offset of the sequence, centre, first, last position of the window) along an axis.
template <class Visit>
HWY_INLINE void ForEachWindow(const PoolItem::Axis& axis, std::int64_t radius, const Visit& visit) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  for (std::int64_t s = 0; s < axis.count; ++s) {
    for (std::int64_t x = 0; x < axis.length; ++x) {
      const std::int64_t first = std::max<std::int64_t>(0, x - radius);
      const std::int64_t last = std::min(axis.length - 1, x + radius);
      for (std::int64_t v = 0; v < kPoolChannels; v += lanes) {
        visit(s * axis.step + v, x, first, last);
      }
    }
  }
}

struct NoWinner {
  HWY_INLINE void Set(std::int64_t, FloatVec) const {}
};

// The largest value of each window along one axis, and its position (as a float) in `winner`.
template <class Winner>
void SlidingMax(const Map& from, const PoolItem::Axis& axis, std::int64_t radius, const Map& to,
                const Winner& winner) {
  const auto find = [&](std::int64_t base, std::int64_t centre, std::int64_t first,
                        std::int64_t last) HWY_ATTR {
    FloatVec best = from.At(base + first * axis.stride);
    FloatVec position = Splat(static_cast<float>(first));
    for (std::int64_t x = first + 1; x <= last; ++x) {
      const FloatVec v = from.At(base + x * axis.stride);
      const auto wins = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
      best = hn::IfThenElse(wins, v, best);
      position = hn::IfThenElse(wins, Splat(static_cast<float>(x)), position);
    }
    to.Set(base + centre * axis.stride, best);
    winner.Set(base + centre * axis.stride, position);
  };
  ForEachWindow(axis, radius, find);
}

// Every position gets the gradients of the windows that it won.
void GatherFromWindows(const Map& gradient, const Map& winner, const PoolItem& item,
                       const PoolItem::Axis& axis, const Map& to) {
  const auto gather = [&](std::int64_t base, std::int64_t centre, std::int64_t first,
                          std::int64_t last) HWY_ATTR {
    const FloatVec self = Splat(static_cast<float>(centre));
    FloatVec sum = Zeros();
    for (std::int64_t x = first; x <= last; ++x) {
      const std::int64_t window = base + x * axis.stride;
      const auto won = hn::Eq(winner.At(window), self);
      sum = hn::Add(sum, hn::IfThenElseZero(won, gradient.At(window)));
    }
    to.Set(base + centre * axis.stride, sum);
  };
  ForEachWindow(axis, item.radius, gather);
}

void PoolMap(const PoolItem& item, const Map& map, const Map& between) {
  SlidingMax(map, item.along_lines, item.radius, between, NoWinner());
  SlidingMax(between, item.across_lines, item.radius, map, NoWinner());
}

// `map` holds the pooled values' inputs and ends as their gradient; `gradient` is that of the
// result.
void PoolMapBackward(const PoolItem& item, const Map& map, const Map& gradient, const Map& between,
                     const Map& column, const Map& line) {
  SlidingMax(map, item.along_lines, item.radius, between, column);
  SlidingMax(between, item.across_lines, item.radius, map, line);
  GatherFromWindows(gradient, line, item, item.across_lines, between);
  GatherFromWindows(between, column, item, item.along_lines, map);
}

void PoolKernel(const MaxPool& pool, const ConstRowTensor& from, const PoolWork& work,
                const RowTensor& to) {
  const Map map(work.scratch, pool.shape, 0);
  const Map between(work.scratch, pool.shape, 1);
  for (std::int64_t i = work.items.begin; i < work.items.end; ++i) {
    const PoolItem item(pool, i);
    LoadMap(from, item, GradientWrite::kAssign, map);
    PoolMap(item, map, between);
    StoreMap(map, item, to);
  }
}

void PoolBackwardKernel(const MaxPool& pool, const ConstRowTensor& from,
                        const ConstRowTensor& gradient_to, const PoolWork& work,
                        GradientWrite write, const RowTensor& gradient_from) {
  const Map map(work.scratch, pool.shape, 0);
  const Map gradient(work.scratch, pool.shape, 1);
  const Map between(work.scratch, pool.shape, 2);
  const Map column(work.scratch, pool.shape, 3);
  const Map line(work.scratch, pool.shape, 4);
  for (std::int64_t i = work.items.begin; i < work.items.end; ++i) {
    const PoolItem item(pool, i);
    LoadMap(from, item, GradientWrite::kAssign, map);
    LoadMap(gradient_to, item, GradientWrite::kAssign, gradient);
    PoolMapBackward(item, map, gradient, between, column, line);
    if (write == GradientWrite::kAccumulate) {
      LoadMap(gradient_from, item, GradientWrite::kAccumulate, map);
    }
    StoreMap(map, item, gradient_from);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {
namespace {

void CheckPool(const MaxPool& pool, const PoolWork& work) {
  HEADROOM_CHECK(pool.kernel % 2 == 1, "a max-pooling kernel with stride 1 must be odd");
  HEADROOM_CHECK(static_cast<std::int64_t>(work.scratch.size()) >= MaxPoolScratchSize(pool.shape),
                 "max-pooling scratch is too small");
}

}  // namespace

HWY_EXPORT(PoolKernel);
HWY_EXPORT(PoolBackwardKernel);

std::int64_t MaxPoolItems(const ImageShape& shape) {
  return shape.images * ((shape.channels + kPoolChannels - 1) / kPoolChannels);
}

std::int64_t MaxPoolScratchSize(const ImageShape& shape) {
  return kPoolMaps * kPoolChannels * shape.height * shape.width;
}

void RunMaxPool(const MaxPool& pool, const ConstRowTensor& from, const PoolWork& work,
                const RowTensor& to) {
  CheckPool(pool, work);
  HWY_DYNAMIC_DISPATCH(PoolKernel)(pool, from, work, to);
}

void RunMaxPoolBackward(const MaxPool& pool, const ConstRowTensor& from,
                        const ConstRowTensor& gradient_to, const PoolWork& work,
                        GradientWrite write, const RowTensor& gradient_from) {
  CheckPool(pool, work);
  HWY_DYNAMIC_DISPATCH(PoolBackwardKernel)(pool, from, gradient_to, work, write, gradient_from);
}

}  // namespace headroom
#endif
