// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/winograd.h"

#include "headroom/kernels/winograd_geometry.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/winograd.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/winograd_tile-inl.h"

#ifndef HEADROOM_KERNELS_WINOGRAD_ONCE_
#define HEADROOM_KERNELS_WINOGRAD_ONCE_
namespace headroom {
namespace {

// Tiles whose sums stay in registers, beside two vectors of output channels: 12 sums and 3 operands
// in 16 registers.
constexpr std::int64_t kRegisterTiles = 6;

// Tiles that are worked on together, and where their values lie:
//   inputs    [position][tile][in channel], positions kWinogradPadding apart,
//   products  [position][tile][out channel], likewise.
struct BlockLayout {
  explicit BlockLayout(const WinogradShape& shape)
      : in(shape.input.channels), out(shape.out_channels) {
    tiles =
        std::max<std::int64_t>(WinogradBlockTiles(in + out) / kRegisterTiles, 1) * kRegisterTiles;
    input_step = tiles * in + kWinogradPadding;
    product_step = tiles * out + kWinogradPadding;
  }
  [[nodiscard]] std::int64_t Floats() const {
    return kWinogradPositions * (input_step + product_step) + in;
  }

  std::int64_t in, out;
  std::int64_t tiles;
  std::int64_t input_step;    // Floats from one position to the next.
  std::int64_t product_step;  // Likewise.
};

}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// Transformed weights lie in panels of two vectors of output channels, a last one of one vector:
// [position][panel][in channel][channel of the panel].
std::int64_t PanelWidth(std::int64_t out, std::int64_t first) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  return std::min(2 * lanes, out - first);
}

// The filter's taps of one weight channel, for a vector of the weight's input channels.
template <class Store>
HWY_INLINE void TransformOneFilter(const float* weight, std::int64_t step, bool turned,
                                   const Store& store) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  alignas(64) float rows[18 * hn::MaxLanes(FloatTag())];
  const auto tap = [&](std::int64_t y, std::int64_t x) {
    return hn::LoadU(FloatTag(), weight + (turned ? 8 - (y * 3 + x) : y * 3 + x) * step);
  };
  for (std::int64_t x = 0; x < 3; ++x)
    StoreSix(TransformFilter(tap(0, x), tap(1, x), tap(2, x)), rows + x * lanes, 3 * lanes);
  for (std::int64_t y = 0; y < 6; ++y) {
    const float* row = rows + y * 3 * lanes;
    const Six u = TransformFilter(hn::LoadU(FloatTag(), row), hn::LoadU(FloatTag(), row + lanes),
                                  hn::LoadU(FloatTag(), row + 2 * lanes));
    store(y * 6, u.a);
    store(y * 6 + 1, u.b);
    store(y * 6 + 2, u.c);
    store(y * 6 + 3, u.d);
    store(y * 6 + 4, u.e);
    store(y * 6 + 5, u.f);
  }
}

// The weight's input channels are the convolution's: its output channels lie side by side in a
// panel, a vector's lanes a panel's line apart.
void TransformForForward(const float* weight, std::int64_t in, std::int64_t out,
                         IndexRange channels, float* to) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  alignas(64) float values[hn::MaxLanes(FloatTag())];
  for (std::int64_t c = channels.begin; c < channels.end; c += lanes) {
    for (std::int64_t o = 0; o < out; ++o) {
      const std::int64_t panel = o / (2 * lanes) * 2 * lanes;
      const std::int64_t width = PanelWidth(out, panel);
      float* first = to + panel * in + c * width + (o - panel);
      TransformOneFilter(weight + o * 9 * in + c, in, false, [&](std::int64_t p, FloatVec u) {
        hn::Store(u, FloatTag(), values);
        for (std::int64_t i = 0; i < lanes; ++i) first[p * in * out + i * width] = values[i];
      });
    }
  }
}

// The weight's input channels are the convolution's output channels.
void TransformForInputGradient(const float* weight, std::int64_t in, std::int64_t out,
                               IndexRange channels, float* to) {
  const auto lanes = static_cast<std::int64_t>(Lanes());
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t c = channels.begin; c < channels.end; c += lanes) {
      const std::int64_t panel = c / (2 * lanes) * 2 * lanes;
      float* first = to + panel * out + o * PanelWidth(in, panel) + (c - panel);
      TransformOneFilter(weight + o * 9 * in + c, in, true, [&](std::int64_t p, FloatVec u) {
        hn::StoreU(u, FloatTag(), first + p * in * out);
      });
    }
  }
}

void TransformWeights(const float* weight, std::int64_t in, std::int64_t out, WinogradUse use,
                      IndexRange channels, float* to) {
  if (use == WinogradUse::kForward) {
    TransformForForward(weight, in, out, channels, to);
  } else {
    TransformForInputGradient(weight, in, out, channels, to);
  }
}

// Sums of one tile and a panel.
template <std::int64_t kVectors>
struct TileSums {
  HWY_INLINE void Add(FloatVec u0, FloatVec u1, float input) {
    const FloatVec scale = hn::Set(FloatTag(), input);
    first = hn::MulAdd(u0, scale, first);
    if constexpr (kVectors > 1) second = hn::MulAdd(u1, scale, second);
  }
  HWY_INLINE void Store(float* to) const {
    hn::StoreU(first, FloatTag(), to);
    if constexpr (kVectors > 1) hn::StoreU(second, FloatTag(), to + Lanes());
  }
  FloatVec first;
  FloatVec second;
};

// products[tile][o] of kRegisterTiles tiles and one panel, at one position.
template <std::int64_t kVectors>
HWY_INLINE void MultiplyPanel(const float* HWY_RESTRICT inputs, std::int64_t in,
                              const float* HWY_RESTRICT panel, std::int64_t out,
                              float* HWY_RESTRICT products) {
  static_assert(kRegisterTiles == 6);
  constexpr FloatTag tag;
  const FloatVec zero = Zeros();
  TileSums<kVectors> s0{zero, zero}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  const auto width = kVectors * static_cast<std::int64_t>(Lanes());
  for (std::int64_t c = 0; c < in; ++c, panel += width) {
    const FloatVec u0 = hn::LoadU(tag, panel);
    const FloatVec u1 = kVectors > 1 ? hn::LoadU(tag, panel + Lanes()) : u0;
    s0.Add(u0, u1, inputs[c]);
    s1.Add(u0, u1, inputs[in + c]);
    s2.Add(u0, u1, inputs[2 * in + c]);
    s3.Add(u0, u1, inputs[3 * in + c]);
    s4.Add(u0, u1, inputs[4 * in + c]);
    s5.Add(u0, u1, inputs[5 * in + c]);
  }
  s0.Store(products);
  s1.Store(products + out);
  s2.Store(products + 2 * out);
  s3.Store(products + 3 * out);
  s4.Store(products + 4 * out);
  s5.Store(products + 5 * out);
}

template <class T>
class Blocks {
 public:
  Blocks(const WinogradShape& shape, const T* input, const float* transformed, float* scratch,
         T* output)
      : shape_(shape),
        layout_(shape),
        grid_(shape.input),
        input_(input),
        weights_(transformed),
        inputs_(scratch),
        products_(inputs_ + kWinogradPositions * layout_.input_step),
        outside_(products_ + kWinogradPositions * layout_.product_step),
        output_(output) {
    std::memset(outside_, 0, static_cast<std::size_t>(layout_.in) * sizeof(float));
    // Tiles that fill up a last block are multiplied too; their products are not read.
    std::memset(inputs_, 0,
                static_cast<std::size_t>(kWinogradPositions * layout_.input_step) * sizeof(float));
  }

  void Run(IndexRange tiles) {
    for (std::int64_t first = tiles.begin; first < tiles.end; first += layout_.tiles) {
      const std::int64_t count = std::min(layout_.tiles, tiles.end - first);
      for (std::int64_t i = 0; i < count; ++i) TransformInput(first + i, i);
      Multiply(count);
      for (std::int64_t i = 0; i < count; ++i) TransformOutput(first + i, i);
    }
  }

 private:
  void TransformInput(std::int64_t number, std::int64_t at) {
    const T* pixels[kWinogradPositions];
    FindInputPixels(shape_.input, input_, grid_.At(number), reinterpret_cast<const T*>(outside_),
                    pixels);
    TransformInputTile(pixels, layout_.in, layout_.input_step, inputs_ + at * layout_.in);
  }

  void Multiply(std::int64_t count) {
    const std::int64_t in = layout_.in, out = layout_.out;
    const auto lanes = static_cast<std::int64_t>(Lanes());
    for (std::int64_t p = 0; p < kWinogradPositions; ++p) {
      const float* inputs = inputs_ + p * layout_.input_step;
      float* products = products_ + p * layout_.product_step;
      const float* weights = weights_ + p * in * out;
      for (std::int64_t o = 0; o < out; o += 2 * lanes) {
        const float* panel = weights + o * in;
        for (std::int64_t t = 0; t < count; t += kRegisterTiles) {
          if (PanelWidth(out, o) > lanes) {
            MultiplyPanel<2>(inputs + t * in, in, panel, out, products + t * out + o);
          } else {
            MultiplyPanel<1>(inputs + t * in, in, panel, out, products + t * out + o);
          }
        }
      }
    }
  }

  void TransformOutput(std::int64_t number, std::int64_t at) {
    const auto lanes = static_cast<std::int64_t>(Lanes());
    const WinogradTile tile = grid_.At(number);
    const std::int64_t lines = std::min(kWinogradOutputs, shape_.input.height - tile.y);
    const std::int64_t columns = std::min(kWinogradOutputs, shape_.input.width - tile.x);
    T* to = output_ + ((tile.image * shape_.input.height + tile.y) * shape_.input.width + tile.x) *
                          layout_.out;
    const std::int64_t step = layout_.product_step;
    alignas(64) float rows[24 * hn::MaxLanes(FloatTag())];
    for (std::int64_t o = 0; o < layout_.out; o += lanes) {
      const float* from = products_ + at * layout_.out + o;
      for (std::int64_t x = 0; x < 6; ++x) {
        const Four y = TransformOutputs(LoadSix(from + x * step, 6 * step));
        hn::Store(y.a, FloatTag(), rows + x * lanes);
        hn::Store(y.b, FloatTag(), rows + (6 + x) * lanes);
        hn::Store(y.c, FloatTag(), rows + (12 + x) * lanes);
        hn::Store(y.d, FloatTag(), rows + (18 + x) * lanes);
      }
      for (std::int64_t y = 0; y < lines; ++y) {
        const Four line = TransformOutputs(LoadSix(rows + y * 6 * lanes, lanes));
        T* pixel = to + y * shape_.input.width * layout_.out + o;
        StoreFloats(line.a, pixel, AllLanes{});
        if (columns > 1) StoreFloats(line.b, pixel + layout_.out, AllLanes{});
        if (columns > 2) StoreFloats(line.c, pixel + 2 * layout_.out, AllLanes{});
        if (columns > 3) StoreFloats(line.d, pixel + 3 * layout_.out, AllLanes{});
      }
    }
  }

  const WinogradShape& shape_;
  const BlockLayout layout_;
  const WinogradGrid grid_;
  const T* const input_;
  const float* const weights_;
  float* const inputs_;
  float* const products_;
  float* const outside_;
  T* const output_;
};

void ConvolveTiles(const WinogradShape& shape, const void* input, const float* transformed,
                   ElementType type, IndexRange tiles, float* scratch, void* output) {
  if (type == ElementType::kFloat32) {
    Blocks<float>(shape, static_cast<const float*>(input), transformed, scratch,
                  static_cast<float*>(output))
        .Run(tiles);
  } else {
    Blocks<BFloat16>(shape, static_cast<const BFloat16*>(input), transformed, scratch,
                     static_cast<BFloat16*>(output))
        .Run(tiles);
  }
}

std::int64_t VectorLanes() { return static_cast<std::int64_t>(Lanes()); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(TransformWeights);
HWY_EXPORT(ConvolveTiles);
HWY_EXPORT(VectorLanes);

std::int64_t WinogradLanes() {
  return std::max(HWY_DYNAMIC_DISPATCH(VectorLanes)(), kWinogradOutputs);
}

std::int64_t WinogradTiles(const ImageShape& image) {
  return image.images * WinogradGrid(image).an_image();
}

std::int64_t WinogradScratch(const WinogradShape& shape) { return BlockLayout(shape).Floats(); }

void TransformWinogradWeights(const float* weight, std::int64_t in_channels,
                              std::int64_t out_channels, WinogradUse use, IndexRange channels,
                              float* transformed) {
  HWY_DYNAMIC_DISPATCH(TransformWeights)
  (weight, in_channels, out_channels, use, channels, transformed);
}

void WinogradConvolve(const WinogradShape& shape, const void* input, const float* transformed,
                      ElementType type, IndexRange tiles, float* scratch, void* output) {
  HWY_DYNAMIC_DISPATCH(ConvolveTiles)
  (shape, input, transformed, type, tiles, scratch, output);
}

}  // namespace headroom
#endif
