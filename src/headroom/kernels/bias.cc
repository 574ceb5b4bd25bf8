// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/bias.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/bias.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

template <class T>
void AddBiasTile(const ConstRowTensor& y, const float* bias, const RowTile& tile,
                 const RowTensor& to) {
  const TileFloats tile_bias(bias, tile);
  RowReader<T> reader(y, tile);
  RowWriter<T> writer(to, tile);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      writer.Store(c, hn::Add(reader.Load(c, lanes), tile_bias.At(c)), lanes);
    });
    reader.Next();
    writer.Next();
  }
}

void AddBiasKernel(const ConstRowTensor& y, std::int64_t channels, const float* bias,
                   IndexRange rows, const RowTensor& to) {
  const Layout layout = Layout(channels).With(y).With(to);
  layout.Dispatch([&](auto type) HWY_ATTR {
    layout.ForEachTile(rows, [&](const RowTile& tile)
                                 HWY_ATTR { AddBiasTile<decltype(type)>(y, bias, tile, to); });
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(AddBiasKernel);

void AddBias(const ConstRowTensor& y, std::int64_t channels, const float* bias, IndexRange rows,
             const RowTensor& to) {
  HWY_DYNAMIC_DISPATCH(AddBiasKernel)(y, channels, bias, rows, to);
}

}  // namespace headroom
#endif
