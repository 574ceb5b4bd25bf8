// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/copy_rows.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/copy_rows.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

using Sources = std::span<const ConstRowTensor>;

template <class T>
void SumTile(Sources sources, const RowTile& tile, const RowTensor& to) {
  RowReader<T> readers[kMaxSumSources];
  const std::size_t count = sources.size();
  for (std::size_t k = 0; k < count; ++k) readers[k] = RowReader<T>(sources[k], tile);
  RowWriter<T> writer(to, tile);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      FloatVec sum = readers[0].Load(c, lanes);
      for (std::size_t k = 1; k < count; ++k) sum = hn::Add(sum, readers[k].Load(c, lanes));
      writer.Store(c, sum, lanes);
    });
    for (std::size_t k = 0; k < count; ++k) readers[k].Next();
    writer.Next();
  }
}

void SumRowsKernel(Sources sources, std::int64_t channels, IndexRange rows, const RowTensor& to) {
  Layout layout = Layout(channels).With(to);
  for (const ConstRowTensor& source : sources) layout.With(source);
  layout.Dispatch([&](auto type) HWY_ATTR {
    layout.ForEachTile(
        rows, [&](const RowTile& tile) HWY_ATTR { SumTile<decltype(type)>(sources, tile, to); });
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(SumRowsKernel);

void CopyRows(const ConstRowTensor& from, std::int64_t channels, IndexRange rows,
              const RowTensor& to) {
  if (from.type != to.type) {
    SumRows({&from, 1}, channels, rows, to);
    return;
  }
  const bool dense = from.row_stride == channels && to.row_stride == channels;
  const std::int64_t rows_at_once = dense ? rows.size() : 1;
  const auto bytes = static_cast<std::size_t>(rows_at_once * channels * ElementBytes(to.type));
  for (std::int64_t r = rows.begin; r < rows.end; r += rows_at_once) {
    std::memcpy(Offset(to, r, 0).data, Offset(from, r, 0).data, bytes);
  }
}

void SumRows(std::span<const ConstRowTensor> sources, std::int64_t channels, IndexRange rows,
             const RowTensor& to) {
  HWY_DYNAMIC_DISPATCH(SumRowsKernel)(sources, channels, rows, to);
}

}  // namespace headroom
#endif
