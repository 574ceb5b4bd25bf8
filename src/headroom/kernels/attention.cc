// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/attention.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/attention.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"
#include "headroom/kernels/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// Lanes that are not in memory become `fill`.
HWY_INLINE FloatVec Fill(FloatVec v, FloatVec, AllLanes) { return v; }
HWY_INLINE FloatVec Fill(FloatVec v, FloatVec fill, FirstLanes lanes) {
  return hn::IfThenElse(hn::FirstN(FloatTag(), lanes.count), v, fill);
}

template <class T>
void SoftmaxRow(RowReader<T> row, RowWriter<T> to, std::size_t columns, float scale) {
  const FloatTag tag;
  const FloatVec lowest = Splat(-std::numeric_limits<float>::infinity());
  FloatVec most = lowest;
  ForEachVector(columns, [&](std::size_t c, auto lanes) HWY_ATTR {
    most = hn::Max(most, Fill(row.Load(c, lanes), lowest, lanes));
  });
  most = hn::MaxOfLanes(tag, most);
  const FloatVec factor = Splat(scale);
  FloatVec sum = Zeros();
  FloatVec distances = Zeros();
  ForEachVector(columns, [&](std::size_t c, auto lanes) HWY_ATTR {
    const FloatVec distance = hn::Sub(most, row.Load(c, lanes));
    distances = hn::Add(distances, Fill(distance, Zeros(), lanes));
    sum = hn::Add(sum, Fill(ExpOfNegative(hn::Mul(factor, distance)), Zeros(), lanes));
  });
  // A distance that is no number (of NaN, of infinity to itself) is lost in its exponential, not in
  // this sum, whose terms are >= 0 otherwise.
  distances = hn::SumOfLanes(tag, distances);
  FloatVec inverse = hn::Div(Splat(1.0f), hn::SumOfLanes(tag, sum));
  inverse = hn::IfThenElse(hn::IsNaN(distances), distances, inverse);
  // Computed again rather than read back, so that bf16 is rounded once. What is 0 here was e^-87
  // above, which a sum of at least 1 does not feel.
  ForEachVector(columns, [&](std::size_t c, auto lanes) HWY_ATTR {
    const FloatVec x = hn::Mul(factor, hn::Sub(most, row.Load(c, lanes)));
    const FloatVec e = hn::IfThenElseZero(hn::Lt(x, Splat(87.0f)), ExpOfNegative(x));
    to.Store(c, hn::Mul(e, inverse), lanes);
  });
}

template <class T>
void SoftmaxBackwardRow(const RowReader<T>& p, const RowReader<T>& gradient_p,
                        const RowWriter<T>& to, std::size_t columns, float scale) {
  FloatVec sum = Zeros();
  ForEachVector(columns, [&](std::size_t c, auto lanes) HWY_ATTR {
    sum = hn::MulAdd(p.Load(c, lanes), gradient_p.Load(c, lanes), sum);
  });
  sum = hn::SumOfLanes(FloatTag(), sum);
  const FloatVec factor = Splat(scale);
  ForEachVector(columns, [&](std::size_t c, auto lanes) HWY_ATTR {
    const FloatVec centered = hn::Sub(gradient_p.Load(c, lanes), sum);
    to.Store(c, hn::Mul(hn::Mul(p.Load(c, lanes), factor), centered), lanes);
  });
}

RowTile WholeRows(IndexRange rows, std::int64_t columns) {
  return {rows.begin, rows.size(), 1, 0, columns};
}

void SoftmaxKernel(const RowTensor& scores, std::int64_t columns, float scale, IndexRange rows) {
  const RowTile tile = WholeRows(rows, columns);
  const Layout layout = Layout(columns).With(scores);
  layout.Dispatch([&](auto type) HWY_ATTR {
    RowReader<decltype(type)> reader(scores, tile);
    RowWriter<decltype(type)> writer(scores, tile);
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      SoftmaxRow(reader, writer, tile.width(), scale);
      reader.Next();
      writer.Next();
    }
  });
}

void SoftmaxBackwardKernel(const ConstRowTensor& p, const ConstRowTensor& gradient_p,
                           std::int64_t columns, float scale, IndexRange rows,
                           const RowTensor& gradient_scores) {
  const RowTile tile = WholeRows(rows, columns);
  const Layout layout = Layout(columns).With(p).With(gradient_p).With(gradient_scores);
  layout.Dispatch([&](auto type) HWY_ATTR {
    using T = decltype(type);
    RowReader<T> p_row(p, tile);
    RowReader<T> gradient_row(gradient_p, tile);
    RowWriter<T> writer(gradient_scores, tile);
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      SoftmaxBackwardRow(p_row, gradient_row, writer, tile.width(), scale);
      p_row.Next();
      gradient_row.Next();
      writer.Next();
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(SoftmaxKernel);
HWY_EXPORT(SoftmaxBackwardKernel);

void SoftmaxRows(const RowTensor& scores, std::int64_t columns, float scale, IndexRange rows) {
  HWY_DYNAMIC_DISPATCH(SoftmaxKernel)(scores, columns, scale, rows);
}

void SoftmaxRowsBackward(const ConstRowTensor& p, const ConstRowTensor& gradient_p,
                         std::int64_t columns, float scale, IndexRange rows,
                         const RowTensor& gradient_scores) {
  HWY_DYNAMIC_DISPATCH(SoftmaxBackwardKernel)(p, gradient_p, columns, scale, rows, gradient_scores);
}

}  // namespace headroom
#endif
