// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/bn_act.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/bn_act_forward.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"
#include "headroom/kernels/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// Hands a finished row, which lies in an fp32 buffer, to each destination that wants a part of it.
class SplitWriter {
 public:
  SplitWriter(const BnActForward& op, const RowTile& tile) : op_(op), tile_(tile) {}
  template <class LanesKind>
  HWY_INLINE void Store(std::size_t i, FloatVec v, LanesKind) {
    hn::Store(v, FloatTag(), line_.values + i);
  }
  void Next() {
    for (int d = 0; d < op_.destination_count; ++d) {
      const ChannelDestination& to = op_.destinations[static_cast<std::size_t>(d)];
      const std::int64_t begin = std::max(to.first_channel, tile_.first_channel);
      const std::int64_t end =
          std::min(to.first_channel + to.channels, tile_.first_channel + tile_.channels);
      if (begin >= end) continue;
      const RowTensor part = Offset(to.rows, tile_.first_row + row_, begin - to.first_channel);
      Copy(begin - tile_.first_channel, static_cast<std::size_t>(end - begin), part);
    }
    ++row_;
  }

 private:
  HWY_INLINE void Copy(std::int64_t from, std::size_t count, const RowTensor& to) const {
    if (to.type == ElementType::kFloat32) {
      CopyAs(from, count, static_cast<float*>(to.data));
    } else {
      CopyAs(from, count, static_cast<BFloat16*>(to.data));
    }
  }
  template <class T>
  HWY_INLINE void CopyAs(std::int64_t from, std::size_t count, T* to) const {
    const float* line = line_.values + from;
    ForEachVector(count, [=](std::size_t i, auto lanes)
                             HWY_ATTR { StoreFloats(LoadFloats(line + i, lanes), to + i, lanes); });
  }

  const BnActForward& op_;
  const RowTile& tile_;
  std::int64_t row_ = 0;
  TileFloats line_;
};

template <Activation kActivation, class T, class Writer>
void ForwardTile(const BnActForward& op, const RowTile& tile, Writer* writer) {
  const TileFloats scale(op.scale, tile);
  const TileFloats shift(op.shift, tile);
  RowReader<T> y(op.y, tile);
  const bool has_residual = op.residual.data != nullptr;
  RowReader<T> residual;
  if (has_residual) residual = RowReader<T>(op.residual, tile);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      const FloatVec z = hn::MulAdd(y.Load(c, lanes), scale.At(c), shift.At(c));
      FloatVec a = Activate<kActivation>(z);
      if (has_residual) a = hn::Add(a, residual.Load(c, lanes));
      writer->Store(c, a, lanes);
    });
    y.Next();
    residual.Next();
    writer->Next();
  }
}

template <Activation kActivation>
void Forward(const BnActForward& op, IndexRange rows) {
  const ChannelDestination& first = op.destinations[0];
  const bool direct = op.destination_count == 1 && first.channels == op.channels;
  Layout layout = Layout(op.channels).With(op.y);
  if (op.residual.data != nullptr) layout.With(op.residual);
  if (direct) {
    layout.With(first.rows);
  } else {
    layout.ForbidFolding();
  }
  layout.Dispatch([&](auto type) HWY_ATTR {
    using T = decltype(type);
    layout.ForEachTile(rows, [&](const RowTile& tile) HWY_ATTR {
      if (direct) {
        RowWriter<T> writer(first.rows, tile);
        ForwardTile<kActivation, T>(op, tile, &writer);
      } else {
        SplitWriter writer(op, tile);
        ForwardTile<kActivation, T>(op, tile, &writer);
      }
    });
  });
}

void ForwardKernel(const BnActForward& op, IndexRange rows) {
  if (op.activation == Activation::kSilu) {
    Forward<Activation::kSilu>(op, rows);
  } else {
    Forward<Activation::kIdentity>(op, rows);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(ForwardKernel);

void RunBnActForward(const BnActForward& op, IndexRange rows) {
  HWY_DYNAMIC_DISPATCH(ForwardKernel)(op, rows);
}

}  // namespace headroom
#endif
