// SPDX-License-Identifier: Apache-2.0
// How the kernels walk rows: tiles of at most kTileWidth channels, whose per-channel constants and
// sums live on the stack; and dense narrow tensors read as if several rows were one wide row
// ("folding"), so that 1, 3 or 8 channels fill whole vectors.
#if defined(HEADROOM_KERNELS_ROW_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADROOM_KERNELS_ROW_TILE_INL_H_
#undef HEADROOM_KERNELS_ROW_TILE_INL_H_
#else
#define HEADROOM_KERNELS_ROW_TILE_INL_H_
#endif

#include "headroom/kernels/row_tensor.h"
#include "headroom/kernels/vector_access-inl.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <numeric>

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {

inline constexpr std::int64_t kTileWidth = 512;
inline constexpr std::int64_t kFoldedWidth = 128;
// Sums are kept in fp32 for this many (folded) rows, then added to a double.
inline constexpr std::int64_t kRowsPerFp32Sum = 32;
// Rows are fetched this far ahead of their use; may point behind the tensor, which is harmless. The
// processor's own prefetching alone left a third of the bandwidth unused (Sapphire Rapids).
inline constexpr std::ptrdiff_t kPrefetchBytes = 4096;

struct RowTile {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;  // folded rows: each is `fold` rows of the tensor
  std::int64_t fold = 1;
  std::int64_t first_channel = 0;
  std::int64_t channels = 0;
  [[nodiscard]] std::size_t width() const { return static_cast<std::size_t>(channels * fold); }
};

// One value a column of a tile; the tail of the last vector may be read and holds zeros.
struct TileFloats {
  static constexpr std::size_t kPadding = 16;
  alignas(64) float values[kTileWidth + kPadding];

  TileFloats() = default;
  // values[first_channel ...] of a per-channel array, repeated for every row of a fold.
  TileFloats(const float* per_channel, const RowTile& tile) {
    const std::size_t n = static_cast<std::size_t>(tile.channels);
    const float* from = per_channel + tile.first_channel;
    for (std::size_t i = 0; i < tile.width(); i += n) {
      for (std::size_t c = 0; c < n; ++c) values[i + c] = from[c];
    }
    Clear(tile.width(), tile.width() + kPadding);
  }
  void Clear(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) values[i] = 0;
  }
  HWY_INLINE FloatVec At(std::size_t i) const { return hn::Load(FloatTag(), values + i); }
};

// Column sums: fp32 within a block of rows, double over blocks.
class TileSums {
 public:
  explicit TileSums(const RowTile& tile) : width_(tile.width()) {
    block_.Clear(0, width_ + TileFloats::kPadding);
    Clear();
  }
  HWY_INLINE void Add(std::size_t i, FloatVec v) {
    hn::Store(hn::Add(block_.At(i), v), FloatTag(), block_.values + i);
  }
  // To be called at least every kRowsPerFp32Sum rows.
  void Flush() {
    for (std::size_t i = 0; i < width_; ++i) total_[i] += static_cast<double>(block_.values[i]);
    block_.Clear(0, width_);
  }
  void Clear() {
    for (std::size_t i = 0; i < width_; ++i) total_[i] = 0;
  }
  // The tile's sum of one of its channels, after Flush.
  [[nodiscard]] double Total(std::int64_t channel, const RowTile& tile) const {
    double sum = 0;
    for (std::int64_t f = 0; f < tile.fold; ++f) sum += total_[f * tile.channels + channel];
    return sum;
  }

 private:
  std::size_t width_;
  TileFloats block_;
  alignas(64) double total_[kTileWidth];
};

// Element type known at run time only: for tensors of different types in one call.
struct AnyElement {};

// Walks down the rows of a tile. T is float, BFloat16 or AnyElement.
template <class T>
class RowReader {
 public:
  RowReader(const ConstRowTensor& t, const RowTile& tile)
      : row_(static_cast<const T*>(t.data) + tile.first_row * t.row_stride + tile.first_channel),
        step_(t.row_stride * tile.fold) {}
  RowReader() = default;
  template <class LanesKind>
  HWY_INLINE FloatVec Load(std::size_t i, LanesKind lanes) const {
    hwy::Prefetch(reinterpret_cast<const char*>(row_ + i) + kPrefetchBytes);
    return LoadFloats(row_ + i, lanes);
  }
  HWY_INLINE void Next() { row_ += step_; }

 private:
  const T* row_ = nullptr;
  std::int64_t step_ = 0;
};

template <>
class RowReader<AnyElement> {
 public:
  RowReader(const ConstRowTensor& t, const RowTile& tile)
      : is_float_(t.type == ElementType::kFloat32), floats_(t, tile), halves_(t, tile) {}
  RowReader() = default;
  template <class LanesKind>
  HWY_INLINE FloatVec Load(std::size_t i, LanesKind lanes) const {
    return is_float_ ? floats_.Load(i, lanes) : halves_.Load(i, lanes);
  }
  HWY_INLINE void Next() {
    floats_.Next();
    halves_.Next();
  }

 private:
  bool is_float_ = true;
  RowReader<float> floats_;
  RowReader<BFloat16> halves_;
};

template <class T>
class RowWriter {
 public:
  RowWriter(const RowTensor& t, const RowTile& tile)
      : row_(static_cast<T*>(t.data) + tile.first_row * t.row_stride + tile.first_channel),
        step_(t.row_stride * tile.fold) {}
  template <class LanesKind>
  HWY_INLINE void Store(std::size_t i, FloatVec v, LanesKind lanes) const {
    StoreFloats(v, row_ + i, lanes);
  }
  HWY_INLINE void Next() { row_ += step_; }

 private:
  T* row_;
  std::int64_t step_;
};

template <>
class RowWriter<AnyElement> {
 public:
  RowWriter(const RowTensor& t, const RowTile& tile)
      : is_float_(t.type == ElementType::kFloat32), floats_(t, tile), halves_(t, tile) {}
  template <class LanesKind>
  HWY_INLINE void Store(std::size_t i, FloatVec v, LanesKind lanes) const {
    if (is_float_) {
      floats_.Store(i, v, lanes);
    } else {
      halves_.Store(i, v, lanes);
    }
  }
  HWY_INLINE void Next() {
    floats_.Next();
    halves_.Next();
  }

 private:
  bool is_float_;
  RowWriter<float> floats_;
  RowWriter<BFloat16> halves_;
};

// What all tensors of a call have in common; tells which instance of a kernel runs.
class Layout {
 public:
  explicit Layout(std::int64_t channels) : channels_(channels) {}
  Layout& With(const ConstRowTensor& t) {
    dense_ = dense_ && t.row_stride == channels_;
    floats_ = floats_ && t.type == ElementType::kFloat32;
    halves_ = halves_ && t.type == ElementType::kBFloat16;
    return *this;
  }
  [[nodiscard]] std::int64_t channels() const { return channels_; }
  [[nodiscard]] bool dense() const { return dense_; }
  void ForbidFolding() { dense_ = false; }

  // fn(T()) with T = float, BFloat16 or AnyElement.
  template <class Fn>
  void Dispatch(const Fn& fn) const {
    if (floats_) {
      fn(float());
    } else if (halves_) {
      fn(BFloat16());
    } else {
      fn(AnyElement());
    }
  }

  // kernel(tile) for tiles that together cover the rows of the range, all channels.
  template <class Kernel>
  void ForEachTile(IndexRange range, const Kernel& kernel) const {
    const std::int64_t fold = dense_ ? Fold() : 1;
    const std::int64_t folded_rows = range.size() / fold;
    if (fold > 1 && folded_rows > 0) kernel(RowTile{range.begin, folded_rows, fold, 0, channels_});
    const std::int64_t first = fold > 1 ? range.begin + folded_rows * fold : range.begin;
    if (first == range.end) return;
    // Tiles of nearly equal width, so that no narrow rest is left.
    const std::int64_t tiles = (channels_ + kTileWidth - 1) / kTileWidth;
    const std::int64_t width = ((channels_ + tiles - 1) / tiles + 15) / 16 * 16;
    for (std::int64_t c = 0; c < channels_; c += width) {
      kernel(RowTile{first, range.end - first, 1, c, std::min(width, channels_ - c)});
    }
  }

 private:
  // As many rows as fit kFoldedWidth; whole vectors where that is possible.
  [[nodiscard]] std::int64_t Fold() const {
    const std::int64_t most = kFoldedWidth / channels_;
    if (most <= 1) return 1;
    const auto lanes = static_cast<std::int64_t>(Lanes());
    const std::int64_t whole = lanes / std::gcd(lanes, channels_);
    return most >= whole ? most / whole * whole : most;
  }

  std::int64_t channels_;
  bool dense_ = true;
  bool floats_ = true;
  bool halves_ = true;
};

}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#endif
