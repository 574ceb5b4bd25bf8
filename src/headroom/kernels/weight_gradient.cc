// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/weight_gradient.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/weight_gradient.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/vector_access-inl.h"

#ifndef HEADROOM_KERNELS_WEIGHT_GRADIENT_ONCE_
#define HEADROOM_KERNELS_WEIGHT_GRADIENT_ONCE_
namespace headroom {
namespace {

// Output channels of a tile; the rest of them, if it is small, has a smaller tile.
constexpr std::int64_t kOutTile = 6;
constexpr std::int64_t kSmallOutTile = 4;
// Vectors of input channels of a tile: with kOutTile, 12 sums and 3 operands in 16 registers.
constexpr std::int64_t kInVectors = 2;
// What a band's panels may take: half of a small second-level cache.
constexpr std::int64_t kBandFloats = std::int64_t{160} * 1024 / 4;

constexpr std::int64_t RoundUp(std::int64_t value, std::int64_t to) {
  return (value + to - 1) / to * to;
}

// Lines of output that are worked on together, and the panels that they are copied into:
//   input     [in tile][line][column][in_tile], columns with their padding,
//   gradient  [out tile][line][column][kOutTile].
// Few input channels do not fill a tile. Then a column is what one output pixel sees of a line,
// kernel * channels values that follow each other in the input and in the sums: one horizontal tap.
struct BandLayout {
  BandLayout(const ConvolutionShape& shape, std::int64_t in_tile_size)
      : windows(shape.input.channels < in_tile_size),
        in_tile(in_tile_size),
        channels(shape.input.channels * (windows ? shape.kernel : 1)),
        in_tiles((channels + in_tile - 1) / in_tile),
        out_tiles((shape.out_channels + kOutTile - 1) / kOutTile),
        taps(windows ? 1 : shape.kernel),
        columns(windows ? shape.out_width : (shape.out_width - 1) * shape.stride + shape.kernel),
        step((windows ? 1 : shape.stride) * in_tile) {
    const std::int64_t gradient_line = out_tiles * kOutTile * shape.out_width;
    const std::int64_t input_line = in_tiles * in_tile * columns;
    const std::int64_t left = kBandFloats - input_line * (shape.kernel - shape.stride);
    lines = std::clamp<std::int64_t>(left / (gradient_line + input_line * shape.stride), 1,
                                     shape.out_height);
    input_lines = (lines - 1) * shape.stride + shape.kernel;
    input_panel = input_lines * columns * in_tile;
    gradient_panel = lines * shape.out_width * kOutTile;
  }
  [[nodiscard]] std::int64_t Floats() const {
    return in_tiles * input_panel + out_tiles * gradient_panel;
  }

  bool windows;
  std::int64_t in_tile, channels, in_tiles, out_tiles;
  std::int64_t taps;  // Horizontal ones.
  std::int64_t columns;
  std::int64_t step;            // Floats from one output pixel's column to the next one's.
  std::int64_t lines;           // Of output.
  std::int64_t input_lines;     // That those read.
  std::int64_t input_panel;     // Floats.
  std::int64_t gradient_panel;  // Floats.
};

// Lines [first, first + count) of one image.
struct Band {
  std::int64_t image;
  std::int64_t first;
  std::int64_t count;
};

}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// Copies `count` floats and fills up to `width` with zeros.
HWY_INLINE void CopyPadded(const float* from, std::int64_t count, std::int64_t width, float* to) {
  std::int64_t i = 0;
  for (; i < count; ++i) to[i] = from[i];
  for (; i < width; ++i) to[i] = 0;
}

// Sums of one output channel and a tile of input channels.
struct TileRow {
  HWY_INLINE void Add(FloatVec a, FloatVec b, float gradient) {
    const FloatVec scale = hn::Set(FloatTag(), gradient);
    first = hn::MulAdd(a, scale, first);
    second = hn::MulAdd(b, scale, second);
  }
  FloatVec first;
  FloatVec second;
};

class BandGradient {
 public:
  BandGradient(const ConvolutionShape& shape, float* scratch, float* sums)
      : shape_(shape),
        layout_(shape, kInVectors * static_cast<std::int64_t>(Lanes())),
        inputs_(scratch),
        gradients_(scratch + layout_.in_tiles * layout_.input_panel),
        sums_(sums) {}

  [[nodiscard]] std::int64_t lines() const { return layout_.lines; }

  void Run(const Band& band, const float* input, const float* gradient) {
    PackInput(band, input);
    PackGradient(band, gradient);
    for (std::int64_t in = 0; in < layout_.in_tiles; ++in) {
      for (std::int64_t out = 0; out < layout_.out_tiles; ++out) {
        if (shape_.out_channels - out * kOutTile <= kSmallOutTile) {
          AddTaps<kSmallOutTile>(band, in, out);
        } else {
          AddTaps<kOutTile>(band, in, out);
        }
      }
    }
  }

 private:
  // The first input line that the band reads; may lie outside.
  [[nodiscard]] std::int64_t FirstInputLine(const Band& band) const {
    return band.first * shape_.stride - shape_.padding;
  }

  // Lines outside the image are left as they are: no tap reads them.
  void PackInput(const Band& band, const float* input) {
    const std::int64_t first = FirstInputLine(band);
    const std::int64_t end = first + (band.count - 1) * shape_.stride + shape_.kernel;
    for (std::int64_t y = std::max<std::int64_t>(first, 0); y < std::min(end, shape_.input.height);
         ++y) {
      const float* line = input + (band.image * shape_.input.height + y) * shape_.input.width *
                                      shape_.input.channels;
      for (std::int64_t tile = 0; tile < layout_.in_tiles; ++tile) {
        float* to =
            inputs_ + tile * layout_.input_panel + (y - first) * layout_.columns * layout_.in_tile;
        if (layout_.windows) {
          PackWindows(line, tile, to);
        } else {
          PackColumns(line, tile, to);
        }
      }
    }
  }

  void PackWindows(const float* line, std::int64_t tile, float* to) {
    const std::int64_t begin = tile * layout_.in_tile;
    const std::int64_t count = std::min(layout_.in_tile, layout_.channels - begin);
    const std::int64_t end = shape_.input.width * shape_.input.channels;
    for (std::int64_t x = 0; x < shape_.out_width; ++x, to += layout_.in_tile) {
      const std::int64_t from =
          (x * shape_.stride - shape_.padding) * shape_.input.channels + begin;
      if (from >= 0 && from + count <= end) {
        CopyPadded(line + from, count, layout_.in_tile, to);
        continue;
      }
      for (std::int64_t i = 0; i < layout_.in_tile; ++i)
        to[i] = i < count && from + i >= 0 && from + i < end ? line[from + i] : 0;
    }
  }

  void PackColumns(const float* line, std::int64_t tile, float* to) {
    const std::int64_t width = layout_.in_tile;
    const std::int64_t count = std::min(width, shape_.input.channels - tile * width);
    const float* from = line + tile * width;
    const std::int64_t left = shape_.padding;
    const std::int64_t right = std::min(layout_.columns, left + shape_.input.width);
    std::memset(to, 0, static_cast<std::size_t>(left * width) * sizeof(float));
    float* at = to + left * width;
    if (count == width) {
      for (std::int64_t x = left; x < right; ++x, from += shape_.input.channels, at += width) {
        for (std::int64_t v = 0; v < kInVectors; ++v) {
          const auto offset = v * static_cast<std::int64_t>(Lanes());
          hn::StoreU(hn::LoadU(FloatTag(), from + offset), FloatTag(), at + offset);
        }
      }
    } else {
      for (std::int64_t x = left; x < right; ++x, from += shape_.input.channels, at += width)
        CopyPadded(from, count, width, at);
    }
    std::memset(at, 0, static_cast<std::size_t>((layout_.columns - right) * width) * sizeof(float));
  }

  void PackGradient(const Band& band, const float* gradient) {
    const float* from = gradient + (band.image * shape_.out_height + band.first) *
                                       shape_.out_width * shape_.out_channels;
    const std::int64_t pixels = band.count * shape_.out_width;
    for (std::int64_t tile = 0; tile < layout_.out_tiles; ++tile) {
      const std::int64_t first = tile * kOutTile;
      const std::int64_t count = std::min(kOutTile, shape_.out_channels - first);
      float* to = gradients_ + tile * layout_.gradient_panel;
      for (std::int64_t p = 0; p < pixels; ++p)
        CopyPadded(from + p * shape_.out_channels + first, count, kOutTile, to + p * kOutTile);
    }
  }

  template <std::int64_t kOut>
  HWY_ATTR void AddTaps(const Band& band, std::int64_t in, std::int64_t out) {
    for (std::int64_t ky = 0; ky < shape_.kernel; ++ky) {
      // Lines of the band whose input line lies inside the image.
      const std::int64_t top = FirstInputLine(band) + ky;
      const std::int64_t begin =
          top >= 0 ? 0 : std::min(band.count, (-top + shape_.stride - 1) / shape_.stride);
      const std::int64_t inside = shape_.input.height - 1 - top;
      const std::int64_t end =
          inside < 0 ? begin : std::clamp(inside / shape_.stride + 1, begin, band.count);
      if (begin == end) continue;
      for (std::int64_t kx = 0; kx < layout_.taps; ++kx)
        AddTap<kOut>({begin, end}, in, out, ky, kx);
    }
  }

  // One tap's tile over the band. The sums have names, since the compiler keeps an array of vectors
  // in memory.
  template <std::int64_t kOut>
  HWY_ATTR void AddTap(IndexRange lines, std::int64_t in, std::int64_t out, std::int64_t ky,
                       std::int64_t kx) {
    static_assert(kInVectors == 2 && (kOut == 4 || kOut == 6));
    const FloatVec zero = Zeros();
    TileRow s0{zero, zero}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
    for (std::int64_t y = lines.begin; y < lines.end; ++y) {
      const float* HWY_RESTRICT x =
          inputs_ + in * layout_.input_panel +
          ((y * shape_.stride + ky) * layout_.columns + kx) * layout_.in_tile;
      const float* HWY_RESTRICT g =
          gradients_ + out * layout_.gradient_panel + y * shape_.out_width * kOutTile;
      for (std::int64_t i = 0; i < shape_.out_width; ++i, x += layout_.step, g += kOutTile) {
        const FloatVec a = hn::LoadU(FloatTag(), x);
        const FloatVec b = hn::LoadU(FloatTag(), x + Lanes());
        s0.Add(a, b, g[0]);
        s1.Add(a, b, g[1]);
        s2.Add(a, b, g[2]);
        s3.Add(a, b, g[3]);
        if constexpr (kOut > 4) {
          s4.Add(a, b, g[4]);
          s5.Add(a, b, g[5]);
        }
      }
    }
    const std::int64_t o = out * kOutTile;
    AddToSums(s0, in, o, ky, kx);
    AddToSums(s1, in, o + 1, ky, kx);
    AddToSums(s2, in, o + 2, ky, kx);
    AddToSums(s3, in, o + 3, ky, kx);
    if constexpr (kOut > 4) {
      AddToSums(s4, in, o + 4, ky, kx);
      AddToSums(s5, in, o + 5, ky, kx);
    }
  }

  HWY_INLINE void AddToSums(const TileRow& row, std::int64_t in, std::int64_t o, std::int64_t ky,
                            std::int64_t kx) {
    if (o >= shape_.out_channels) return;
    constexpr FloatTag tag;
    const std::int64_t channels = layout_.channels;
    const std::int64_t begin = in * layout_.in_tile;
    float* to = sums_ + ((o * shape_.kernel + ky) * layout_.taps + kx) * channels + begin;
    if (begin + layout_.in_tile <= channels) {
      hn::StoreU(hn::Add(hn::LoadU(tag, to), row.first), tag, to);
      hn::StoreU(hn::Add(hn::LoadU(tag, to + Lanes()), row.second), tag, to + Lanes());
      return;
    }
    alignas(64) float tile[kInVectors * hn::MaxLanes(tag)];
    hn::StoreU(row.first, tag, tile);
    hn::StoreU(row.second, tag, tile + Lanes());
    for (std::int64_t c = begin; c < channels; ++c) to[c - begin] += tile[c - begin];
  }

  const ConvolutionShape& shape_;
  const BandLayout layout_;
  float* const inputs_;
  float* const gradients_;
  float* const sums_;
};

void WeightGradientKernel(const ConvolutionShape& shape, const float* input, const float* gradient,
                          IndexRange lines, float* scratch, float* sums) {
  BandGradient bands(shape, scratch, sums);
  for (std::int64_t line = lines.begin; line < lines.end;) {
    const std::int64_t image = line / shape.out_height;
    const std::int64_t first = line % shape.out_height;
    const std::int64_t count =
        std::min({bands.lines(), shape.out_height - first, lines.end - line});
    bands.Run({image, first, count}, input, gradient);
    line += count;
  }
}

std::int64_t WeightGradientLanes() { return static_cast<std::int64_t>(Lanes()); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(WeightGradientKernel);
HWY_EXPORT(WeightGradientLanes);

void AccumulateWeightGradient(const ConvolutionShape& shape, const float* input,
                              const float* gradient, IndexRange lines, float* scratch,
                              float* sums) {
  HWY_DYNAMIC_DISPATCH(WeightGradientKernel)(shape, input, gradient, lines, scratch, sums);
}

std::int64_t WeightGradientScratch(const ConvolutionShape& shape) {
  return BandLayout(shape, kInVectors * HWY_DYNAMIC_DISPATCH(WeightGradientLanes)()).Floats();
}

}  // namespace headroom
#endif
