// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/upsample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/upsample.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// Line l of the small image is rows [l * width, ...); its four pixels in the large one begin at row
// 4 * l * width: two neighbours, and the same a (doubled) line below.
struct LineTiles {
  LineTiles(const ImageShape& shape, std::int64_t line)
      : small{line * shape.width, shape.width, 1, 0, shape.channels} {
    for (std::int64_t k = 0; k < 4; ++k) {
      large[k] = {4 * small.first_row + (k / 2) * 2 * shape.width + k % 2, shape.width, 2, 0,
                  shape.channels};
    }
  }
  RowTile small;
  RowTile large[4];
};

template <class T>
void UpsampleLine(const ConstRowTensor& from, const RowTensor& to, const LineTiles& tiles) {
  RowReader<T> reader(from, tiles.small);
  RowWriter<T> writers[4] = {
      {to, tiles.large[0]}, {to, tiles.large[1]}, {to, tiles.large[2]}, {to, tiles.large[3]}};
  for (std::int64_t x = 0; x < tiles.small.rows; ++x) {
    ForEachVector(tiles.small.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      const FloatVec v = reader.Load(c, lanes);
      for (RowWriter<T>& writer : writers) writer.Store(c, v, lanes);
    });
    reader.Next();
    for (RowWriter<T>& writer : writers) writer.Next();
  }
}

template <class T>
void UpsampleBackwardLine(const ConstRowTensor& from, GradientWrite write, const RowTensor& to,
                          const LineTiles& tiles) {
  RowReader<T> readers[4] = {{from, tiles.large[0]},
                             {from, tiles.large[1]},
                             {from, tiles.large[2]},
                             {from, tiles.large[3]}};
  RowReader<T> before(to, tiles.small);
  RowWriter<T> writer(to, tiles.small);
  for (std::int64_t x = 0; x < tiles.small.rows; ++x) {
    ForEachVector(tiles.small.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      FloatVec sum = hn::Add(hn::Add(readers[0].Load(c, lanes), readers[1].Load(c, lanes)),
                             hn::Add(readers[2].Load(c, lanes), readers[3].Load(c, lanes)));
      if (write == GradientWrite::kAccumulate) sum = hn::Add(sum, before.Load(c, lanes));
      writer.Store(c, sum, lanes);
    });
    for (RowReader<T>& reader : readers) reader.Next();
    before.Next();
    writer.Next();
  }
}

void UpsampleKernel(const ImageShape& shape, const ConstRowTensor& from, IndexRange lines,
                    const RowTensor& to) {
  const Layout layout = Layout(shape.channels).With(from).With(to);
  layout.Dispatch([&](auto type) HWY_ATTR {
    for (std::int64_t line = lines.begin; line < lines.end; ++line) {
      UpsampleLine<decltype(type)>(from, to, LineTiles(shape, line));
    }
  });
}

void UpsampleBackwardKernel(const ImageShape& shape, const ConstRowTensor& from, IndexRange lines,
                            GradientWrite write, const RowTensor& to) {
  const Layout layout = Layout(shape.channels).With(from).With(to);
  layout.Dispatch([&](auto type) HWY_ATTR {
    for (std::int64_t line = lines.begin; line < lines.end; ++line) {
      UpsampleBackwardLine<decltype(type)>(from, write, to, LineTiles(shape, line));
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(UpsampleKernel);
HWY_EXPORT(UpsampleBackwardKernel);

void UpsampleNearest2x(const ImageShape& shape, const ConstRowTensor& from, IndexRange lines,
                       const RowTensor& to) {
  HWY_DYNAMIC_DISPATCH(UpsampleKernel)(shape, from, lines, to);
}

void UpsampleNearest2xBackward(const ImageShape& shape, const ConstRowTensor& from,
                               IndexRange lines, GradientWrite write, const RowTensor& to) {
  HWY_DYNAMIC_DISPATCH(UpsampleBackwardKernel)(shape, from, lines, write, to);
}

}  // namespace headroom
#endif
