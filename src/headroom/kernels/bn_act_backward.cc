// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/bn_act.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/bn_act_backward.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/row_tile-inl.h"
#include "headroom/kernels/sigmoid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// dz of one row after the other; at least one gradient.
template <Activation kActivation, class T>
class GradientReader {
 public:
  GradientReader(const BnActBackward& op, const RowTile& tile)
      : y_(op.y, tile), count_(static_cast<std::size_t>(op.gradient_count)) {
    for (std::size_t k = 0; k < count_; ++k) gradients_[k] = RowReader<T>(op.gradients[k], tile);
    if constexpr (kActivation != Activation::kIdentity) {
      scale_ = TileFloats(op.scale, tile);
      shift_ = TileFloats(op.shift, tile);
    }
  }
  template <class LanesKind>
  HWY_INLINE FloatVec LoadY(std::size_t c, LanesKind lanes) const {
    return y_.Load(c, lanes);
  }
  template <class LanesKind>
  HWY_INLINE FloatVec LoadDz(std::size_t c, FloatVec y, LanesKind lanes) const {
    FloatVec g = gradients_[0].Load(c, lanes);
    for (std::size_t k = 1; k < count_; ++k) g = hn::Add(g, gradients_[k].Load(c, lanes));
    if constexpr (kActivation != Activation::kIdentity) {
      g = ActivateGradient<kActivation>(hn::MulAdd(y, scale_.At(c), shift_.At(c)), g);
    }
    return g;
  }
  HWY_INLINE void Next() {
    y_.Next();
    for (std::size_t k = 0; k < count_; ++k) gradients_[k].Next();
  }

 private:
  RowReader<T> y_;
  RowReader<T> gradients_[kMaxGradients];
  std::size_t count_;
  TileFloats scale_, shift_;
};

template <class T>
using IdentityGradient = GradientReader<Activation::kIdentity, T>;
template <class T>
using SiluGradient = GradientReader<Activation::kSilu, T>;

// Of no gradients.
template <class T>
class ZeroGradient {
 public:
  ZeroGradient(const BnActBackward& op, const RowTile& tile) : y_(op.y, tile) {}
  template <class LanesKind>
  HWY_INLINE FloatVec LoadY(std::size_t c, LanesKind lanes) const {
    return y_.Load(c, lanes);
  }
  template <class LanesKind>
  HWY_INLINE FloatVec LoadDz(std::size_t, FloatVec, LanesKind) const {
    return Zeros();
  }
  HWY_INLINE void Next() { y_.Next(); }

 private:
  RowReader<T> y_;
};

struct NoWriter {
  template <class LanesKind>
  HWY_INLINE void Store(std::size_t, FloatVec, LanesKind) const {}
  HWY_INLINE void Next() {}
};

template <class Gradient, class Writer>
void ReduceTile(const BnActBackward& op, const RowTile& tile, Writer writer,
                const BnGradientSums& sums) {
  Gradient gradient(op, tile);
  const TileFloats mean(op.mean, tile);
  TileSums sum_dz(tile);
  TileSums sum_dz_centered(tile);
  for (std::int64_t r = 0; r < tile.rows; r += kRowsPerFp32Sum) {
    const std::int64_t end = std::min(r + kRowsPerFp32Sum, tile.rows);
    for (std::int64_t i = r; i < end; ++i) {
      ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
        const FloatVec y = gradient.LoadY(c, lanes);
        const FloatVec dz = gradient.LoadDz(c, y, lanes);
        sum_dz.Add(c, dz);
        sum_dz_centered.Add(c, hn::Mul(dz, hn::Sub(y, mean.At(c))));
        writer.Store(c, dz, lanes);
      });
      gradient.Next();
      writer.Next();
    }
    sum_dz.Flush();
    sum_dz_centered.Flush();
  }
  for (std::int64_t c = 0; c < tile.channels; ++c) {
    const std::int64_t channel = tile.first_channel + c;
    sums.sum_dz[channel] += sum_dz.Total(c, tile);
    sums.sum_dz_xhat[channel] +=
        sum_dz_centered.Total(c, tile) * static_cast<double>(sums.inv_std[channel]);
  }
}

template <class Gradient, class T>
void ApplyTile(const BnActBackward& op, const BnGradientCoefficients& coefficients,
               const RowTile& tile, const RowTensor& dy) {
  Gradient gradient(op, tile);
  const TileFloats mean(op.mean, tile);
  const TileFloats for_dz(coefficients.for_dz, tile);
  const TileFloats for_centered(coefficients.for_centered, tile);
  const TileFloats constant(coefficients.constant, tile);
  RowWriter<T> writer(dy, tile);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    ForEachVector(tile.width(), [&](std::size_t c, auto lanes) HWY_ATTR {
      const FloatVec y = gradient.LoadY(c, lanes);
      const FloatVec dz = gradient.LoadDz(c, y, lanes);
      const FloatVec centered = hn::Sub(y, mean.At(c));
      const FloatVec rest = hn::MulAdd(for_centered.At(c), centered, constant.At(c));
      writer.Store(c, hn::MulAdd(for_dz.At(c), dz, rest), lanes);
    });
    gradient.Next();
    writer.Next();
  }
}

Layout BackwardLayout(const BnActBackward& op) {
  Layout layout = Layout(op.channels).With(op.y);
  for (int k = 0; k < op.gradient_count; ++k) {
    layout.With(op.gradients[static_cast<std::size_t>(k)]);
  }
  return layout;
}

template <template <class> class Gradient>
void Reduce(const BnActBackward& op, IndexRange rows, const RowTensor& dz,
            const BnGradientSums& sums) {
  Layout layout = BackwardLayout(op);
  if (dz.data != nullptr) layout.With(dz);
  layout.Dispatch([&](auto type) HWY_ATTR {
    using T = decltype(type);
    layout.ForEachTile(rows, [&](const RowTile& tile) HWY_ATTR {
      if (dz.data != nullptr) {
        ReduceTile<Gradient<T>>(op, tile, RowWriter<T>(dz, tile), sums);
      } else {
        ReduceTile<Gradient<T>>(op, tile, NoWriter(), sums);
      }
    });
  });
}

template <template <class> class Gradient>
void Apply(const BnActBackward& op, const BnGradientCoefficients& coefficients, IndexRange rows,
           const RowTensor& dy) {
  const Layout layout = BackwardLayout(op).With(dy);
  layout.Dispatch([&](auto type) HWY_ATTR {
    using T = decltype(type);
    layout.ForEachTile(rows, [&](const RowTile& tile) HWY_ATTR {
      ApplyTile<Gradient<T>, T>(op, coefficients, tile, dy);
    });
  });
}

void ReduceKernel(const BnActBackward& op, IndexRange rows, const RowTensor& dz,
                  const BnGradientSums& sums) {
  if (op.gradient_count == 0) {
    Reduce<ZeroGradient>(op, rows, dz, sums);
  } else if (op.activation == Activation::kSilu) {
    Reduce<SiluGradient>(op, rows, dz, sums);
  } else {
    Reduce<IdentityGradient>(op, rows, dz, sums);
  }
}

void ApplyKernel(const BnActBackward& op, const BnGradientCoefficients& coefficients,
                 IndexRange rows, const RowTensor& dy) {
  if (op.gradient_count == 0) {
    Apply<ZeroGradient>(op, coefficients, rows, dy);
  } else if (op.activation == Activation::kSilu) {
    Apply<SiluGradient>(op, coefficients, rows, dy);
  } else {
    Apply<IdentityGradient>(op, coefficients, rows, dy);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(ReduceKernel);
HWY_EXPORT(ApplyKernel);

void ReduceBnActBackward(const BnActBackward& op, IndexRange rows, const RowTensor& dz,
                         const BnGradientSums& sums) {
  HWY_DYNAMIC_DISPATCH(ReduceKernel)(op, rows, dz, sums);
}

void ApplyBnActBackward(const BnActBackward& op, const BnGradientCoefficients& coefficients,
                        IndexRange rows, const RowTensor& dy) {
  HWY_DYNAMIC_DISPATCH(ApplyKernel)(op, coefficients, rows, dy);
}

void ComputeBnGradientCoefficients(std::int64_t channels, std::int64_t rows, const float* scale,
                                   const BnGradientSums& sums,
                                   const BnGradientCoefficients& coefficients) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const double factor = -static_cast<double>(scale[c]) / static_cast<double>(rows);
    coefficients.for_dz[c] = scale[c];
    coefficients.for_centered[c] =
        static_cast<float>(factor * static_cast<double>(sums.inv_std[c]) * sums.sum_dz_xhat[c]);
    coefficients.constant[c] = static_cast<float>(factor * sums.sum_dz[c]);
  }
}

}  // namespace headroom
#endif
