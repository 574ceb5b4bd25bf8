// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/pixels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/pixels.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

template <class T>
void NormalizeRows(const std::uint8_t* pixels, IndexRange rows, const RowTensor& to) {
  using ByteTag = hn::Rebind<std::uint8_t, FloatTag>;
  using IntTag = hn::RebindToSigned<FloatTag>;
  // Dense rows are one long row.
  const bool dense = to.row_stride == kPixelChannels;
  const RowTile tile{rows.begin, dense ? 1 : rows.size(), 1, 0,
                     dense ? rows.size() * kPixelChannels : kPixelChannels};
  const std::uint8_t* from = pixels + rows.begin * kPixelChannels;
  RowWriter<T> writer(to, tile);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    ForEachVector(tile.width(), [&](std::size_t i, auto lanes) HWY_ATTR {
      const auto bytes = LoadElements(ByteTag(), from + i, lanes);
      const FloatVec v = hn::ConvertTo(FloatTag(), hn::PromoteTo(IntTag(), bytes));
      writer.Store(i, hn::Div(v, Splat(255.0f)), lanes);
    });
    from += kPixelChannels;
    writer.Next();
  }
}

void NormalizeKernel(const std::uint8_t* pixels, IndexRange rows, const RowTensor& to) {
  const Layout layout = Layout(kPixelChannels).With(to);
  layout.Dispatch([&](auto type) HWY_ATTR { NormalizeRows<decltype(type)>(pixels, rows, to); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(NormalizeKernel);

void NormalizePixels(const std::uint8_t* pixels, IndexRange rows, const RowTensor& to) {
  HWY_DYNAMIC_DISPATCH(NormalizeKernel)(pixels, rows, to);
}

}  // namespace headroom
#endif
