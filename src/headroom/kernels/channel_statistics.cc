// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/channel_statistics.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/channel_statistics.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

#ifndef HEADROOM_KERNELS_MERGE_MOMENTS
#define HEADROOM_KERNELS_MERGE_MOMENTS
namespace headroom {
namespace {

// Moments of one channel; the parallel formula of Chan et al.
inline void MergeOne(std::int64_t from_count, double from_mean, double from_m2,
                     std::int64_t into_count, double* into_mean, double* into_m2) {
  if (from_count == 0) return;
  if (into_count == 0) {
    *into_mean = from_mean;
    *into_m2 = from_m2;
    return;
  }
  const auto a = static_cast<double>(into_count);
  const auto b = static_cast<double>(from_count);
  const double delta = from_mean - *into_mean;
  *into_mean += delta * (b / (a + b));
  *into_m2 += from_m2 + delta * delta * (a * b / (a + b));
}

}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// AddChannelMoments takes this many (folded) rows at a time, and their pivot from the first few.
constexpr std::int64_t kBlockRows = 512;
constexpr std::int64_t kPivotRows = 8;

// sums += y over rows of the tile; leaves the sums flushed. The reader ends behind them.
template <class T>
void SumRows(RowReader<T>* y, std::int64_t rows, std::size_t width, TileSums* sums) {
  for (std::int64_t r = 0; r < rows; r += kRowsPerFp32Sum) {
    const std::int64_t end = std::min(r + kRowsPerFp32Sum, rows);
    for (std::int64_t i = r; i < end; ++i) {
      ForEachVector(width,
                    [&](std::size_t c, auto lanes) HWY_ATTR { sums->Add(c, y->Load(c, lanes)); });
      y->Next();
    }
    sums->Flush();
  }
}

template <class T>
void SumTile(const ConstRowTensor& y, const RowTile& tile, double* result) {
  TileSums sums(tile);
  RowReader<T> reader(y, tile);
  SumRows(&reader, tile.rows, tile.width(), &sums);
  for (std::int64_t c = 0; c < tile.channels; ++c) {
    result[tile.first_channel + c] += sums.Total(c, tile);
  }
}

void SumsKernel(const ConstRowTensor& y, std::int64_t channels, IndexRange rows, double* sums) {
  const Layout layout = Layout(channels).With(y);
  layout.Dispatch([&](auto type) HWY_ATTR {
    layout.ForEachTile(
        rows, [&](const RowTile& tile) HWY_ATTR { SumTile<decltype(type)>(y, tile, sums); });
  });
}

// The mean of the first rows from the reader on, one value a column of the tile.
template <class T>
TileFloats Pivots(RowReader<T> reader, std::int64_t rows, const RowTile& tile) {
  TileSums sums(tile);
  SumRows(&reader, rows, tile.width(), &sums);
  TileFloats mean;
  for (std::int64_t c = 0; c < tile.channels; ++c) {
    mean.values[c] =
        static_cast<float>(sums.Total(c, tile) / static_cast<double>(rows * tile.fold));
  }
  RowTile columns = tile;
  columns.first_channel = 0;
  return TileFloats(mean.values, columns);
}

// Moments of `rows` folded rows from the reader on, merged into those of `count` rows before.
template <class T>
void MergeBlock(RowReader<T>* y, std::int64_t rows, const RowTile& tile, std::int64_t count,
                double* mean, double* m2) {
  const TileFloats pivots = Pivots(*y, std::min(kPivotRows, rows), tile);
  TileSums sums(tile);
  TileSums squares(tile);
  for (std::int64_t r = 0; r < rows; r += kRowsPerFp32Sum) {
    const std::int64_t end = std::min(r + kRowsPerFp32Sum, rows);
    for (std::int64_t i = r; i < end; ++i) {
      ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
        const FloatVec d = hn::Sub(y->Load(c, lanes), pivots.At(c));
        sums.Add(c, d);
        squares.Add(c, hn::Mul(d, d));
      });
      y->Next();
    }
    sums.Flush();
    squares.Flush();
  }
  const auto n = static_cast<double>(rows * tile.fold);
  for (std::int64_t c = 0; c < tile.channels; ++c) {
    const double offset = sums.Total(c, tile) / n;
    const double block_m2 = std::max(0.0, squares.Total(c, tile) - n * offset * offset);
    MergeOne(rows * tile.fold, static_cast<double>(pivots.values[c]) + offset, block_m2, count,
             mean + c, m2 + c);
  }
}

template <class T>
void MomentsTile(const ConstRowTensor& y, const RowTile& tile, std::int64_t count_before,
                 const ChannelMoments& moments) {
  RowReader<T> reader(y, tile);
  for (std::int64_t r = 0; r < tile.rows; r += kBlockRows) {
    MergeBlock(&reader, std::min(kBlockRows, tile.rows - r), tile, count_before + r * tile.fold,
               moments.mean + tile.first_channel, moments.squared_deviations + tile.first_channel);
  }
}

void MomentsKernel(const ConstRowTensor& y, std::int64_t channels, IndexRange rows,
                   ChannelMoments* moments) {
  const Layout layout = Layout(channels).With(y);
  layout.Dispatch([&](auto type) HWY_ATTR {
    layout.ForEachTile(rows, [&](const RowTile& tile) HWY_ATTR {
      MomentsTile<decltype(type)>(y, tile, moments->count + tile.first_row - rows.begin, *moments);
    });
  });
  moments->count += rows.size();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(SumsKernel);
HWY_EXPORT(MomentsKernel);

void AddChannelSums(const ConstRowTensor& y, std::int64_t channels, IndexRange rows, double* sums) {
  HWY_DYNAMIC_DISPATCH(SumsKernel)(y, channels, rows, sums);
}

void AddChannelMoments(const ConstRowTensor& y, std::int64_t channels, IndexRange rows,
                       ChannelMoments* moments) {
  HWY_DYNAMIC_DISPATCH(MomentsKernel)(y, channels, rows, moments);
}

void MergeChannelMoments(const ChannelMoments& from, std::int64_t channels, ChannelMoments* into) {
  for (std::int64_t c = 0; c < channels; ++c) {
    MergeOne(from.count, from.mean[c], from.squared_deviations[c], into->count, into->mean + c,
             into->squared_deviations + c);
  }
  into->count += from.count;
}

}  // namespace headroom
#endif
