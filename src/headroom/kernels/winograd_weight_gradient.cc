// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/winograd_weight_gradient.h"

#include "headroom/kernels/winograd_geometry.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/winograd_weight_gradient.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/winograd_tile-inl.h"

#ifndef HEADROOM_KERNELS_WINOGRAD_WEIGHT_GRADIENT_ONCE_
#define HEADROOM_KERNELS_WINOGRAD_WEIGHT_GRADIENT_ONCE_
namespace headroom {
namespace {

// Output channels whose sums stay in registers, beside two vectors of input channels.
constexpr std::int64_t kRegisterChannels = 4;

// Tiles that are worked on together, and where their values lie:
//   inputs     [position][tile][in channel], positions kWinogradPadding apart,
//   gradients  [position][tile][out channel], likewise,
//   products   [position][out channel][in channel], of all blocks.
struct BlockLayout {
  explicit BlockLayout(const WinogradShape& shape)
      : in(shape.input.channels),
        out(shape.out_channels),
        tiles(std::max<std::int64_t>(WinogradBlockTiles(in + out), 8)),
        input_step(tiles * in + kWinogradPadding),
        gradient_step(tiles * out + kWinogradPadding) {}
  [[nodiscard]] std::int64_t Floats() const {
    return kWinogradPositions * (input_step + gradient_step + in * out) + std::max(in, out);
  }

  std::int64_t in, out;
  std::int64_t tiles;
  std::int64_t input_step;     // Floats from one position to the next.
  std::int64_t gradient_step;  // Likewise.
};

}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

// G g of four gradients.
HWY_INLINE Six TransformGradients(const Four& g) {
  const FloatVec even_a = hn::Mul(Splat(1 / kNormA), Times(kA2, g.c, g.a));
  const FloatVec odd_a = hn::Mul(Splat(kA / kNormA), Times(kA2, g.d, g.b));
  const FloatVec even_b = hn::Mul(Splat(1 / kNormB), Times(kB2, g.c, g.a));
  const FloatVec odd_b = hn::Mul(Splat(kB / kNormB), Times(kB2, g.d, g.b));
  return {g.a,
          hn::Add(even_a, odd_a),
          hn::Sub(even_a, odd_a),
          hn::Add(even_b, odd_b),
          hn::Sub(even_b, odd_b),
          g.d};
}

struct Three {
  FloatVec a, b, c;
};

// A^T m, to a filter's three taps.
HWY_INLINE Three TransformTaps(const Six& m) {
  const FloatVec sum_a = hn::Add(m.b, m.c), difference_a = hn::Sub(m.b, m.c);
  const FloatVec sum_b = hn::Add(m.d, m.e), difference_b = hn::Sub(m.d, m.e);
  return {hn::Add(m.a, hn::Add(sum_a, sum_b)),
          Times(kA, difference_a, hn::Mul(Splat(kB), difference_b)),
          Times(kA2, sum_a, Times(kB2, sum_b, m.f))};
}

// Sums of one output channel and up to two vectors of input channels.
template <std::int64_t kVectors>
struct ChannelSums {
  HWY_INLINE void Add(FloatVec x0, FloatVec x1, float gradient) {
    const FloatVec scale = hn::Set(FloatTag(), gradient);
    first = hn::MulAdd(x0, scale, first);
    if constexpr (kVectors > 1) second = hn::MulAdd(x1, scale, second);
  }
  HWY_INLINE void AddTo(float* to) const {
    constexpr FloatTag tag;
    hn::StoreU(hn::Add(hn::LoadU(tag, to), first), tag, to);
    if constexpr (kVectors > 1)
      hn::StoreU(hn::Add(hn::LoadU(tag, to + Lanes()), second), tag, to + Lanes());
  }
  FloatVec first;
  FloatVec second;
};

// products[o][c] += sum over tiles of gradients[tile][o] * inputs[tile][c], of kRegisterChannels
// output channels and up to two vectors of input channels, at one position.
template <std::int64_t kVectors>
HWY_INLINE void AddProducts(const float* HWY_RESTRICT inputs, std::int64_t in,
                            const float* HWY_RESTRICT gradients, std::int64_t out,
                            std::int64_t tiles, float* HWY_RESTRICT products) {
  static_assert(kRegisterChannels == 4);
  constexpr FloatTag tag;
  const FloatVec zero = Zeros();
  ChannelSums<kVectors> s0{zero, zero}, s1 = s0, s2 = s0, s3 = s0;
  for (std::int64_t t = 0; t < tiles; ++t, inputs += in, gradients += out) {
    const FloatVec x0 = hn::LoadU(tag, inputs);
    const FloatVec x1 = kVectors > 1 ? hn::LoadU(tag, inputs + Lanes()) : x0;
    s0.Add(x0, x1, gradients[0]);
    s1.Add(x0, x1, gradients[1]);
    s2.Add(x0, x1, gradients[2]);
    s3.Add(x0, x1, gradients[3]);
  }
  s0.AddTo(products);
  s1.AddTo(products + in);
  s2.AddTo(products + 2 * in);
  s3.AddTo(products + 3 * in);
}

template <class T>
class GradientBlocks {
 public:
  GradientBlocks(const WinogradShape& shape, const T* input, const T* gradient, float* scratch)
      : shape_(shape),
        gradient_shape_{shape.input.images, shape.input.height, shape.input.width,
                        shape.out_channels},
        layout_(shape),
        grid_(shape.input),
        input_(input),
        gradient_(gradient),
        inputs_(scratch),
        gradients_(inputs_ + kWinogradPositions * layout_.input_step),
        products_(gradients_ + kWinogradPositions * layout_.gradient_step),
        outside_(products_ + kWinogradPositions * layout_.in * layout_.out) {
    const std::int64_t zeros =
        kWinogradPositions * layout_.in * layout_.out + std::max(layout_.in, layout_.out);
    std::memset(products_, 0, static_cast<std::size_t>(zeros) * sizeof(float));
  }

  void Run(IndexRange tiles) {
    for (std::int64_t first = tiles.begin; first < tiles.end; first += layout_.tiles) {
      const std::int64_t count = std::min(layout_.tiles, tiles.end - first);
      for (std::int64_t i = 0; i < count; ++i) {
        const WinogradTile tile = grid_.At(first + i);
        TransformInput(tile, i);
        TransformGradient(tile, i);
      }
      Multiply(count);
    }
  }

  // sums[o][3][3][c] += what the products stand for.
  void AddTo(float* sums) const {
    const auto lanes = static_cast<std::int64_t>(Lanes());
    const std::int64_t in = layout_.in, step = in * layout_.out;
    alignas(64) float rows[18 * hn::MaxLanes(FloatTag())];
    for (std::int64_t o = 0; o < layout_.out; ++o) {
      for (std::int64_t c = 0; c < in; c += lanes) {
        const float* from = products_ + o * in + c;
        for (std::int64_t x = 0; x < 6; ++x) {
          const Three taps = TransformTaps(LoadSix(from + x * step, 6 * step));
          hn::Store(taps.a, FloatTag(), rows + x * lanes);
          hn::Store(taps.b, FloatTag(), rows + (6 + x) * lanes);
          hn::Store(taps.c, FloatTag(), rows + (12 + x) * lanes);
        }
        for (std::int64_t y = 0; y < 3; ++y) {
          const Three taps = TransformTaps(LoadSix(rows + y * 6 * lanes, lanes));
          float* to = sums + (o * 9 + y * 3) * in + c;
          AddVector(taps.a, to);
          AddVector(taps.b, to + in);
          AddVector(taps.c, to + 2 * in);
        }
      }
    }
  }

 private:
  static void AddVector(FloatVec v, float* to) {
    hn::StoreU(hn::Add(hn::LoadU(FloatTag(), to), v), FloatTag(), to);
  }

  [[nodiscard]] const T* outside() const { return reinterpret_cast<const T*>(outside_); }

  void TransformInput(const WinogradTile& tile, std::int64_t at) {
    const T* pixels[kWinogradPositions];
    FindInputPixels(shape_.input, input_, tile, outside(), pixels);
    TransformInputTile(pixels, layout_.in, layout_.input_step, inputs_ + at * layout_.in);
  }

  void TransformGradient(const WinogradTile& tile, std::int64_t at) {
    const T* pixels[kWinogradOutputs * kWinogradOutputs];
    FindOutputPixels(gradient_shape_, gradient_, tile, outside(), pixels);
    const auto lanes = static_cast<std::int64_t>(Lanes());
    const std::int64_t step = layout_.gradient_step;
    alignas(64) float columns[24 * hn::MaxLanes(FloatTag())];
    for (std::int64_t o = 0; o < layout_.out; o += lanes) {
      const auto pixel = [&](std::int64_t y, std::int64_t x) {
        return LoadFloats(pixels[y * 4 + x] + o, AllLanes{});
      };
      for (std::int64_t x = 0; x < 4; ++x) {
        StoreSix(TransformGradients({pixel(0, x), pixel(1, x), pixel(2, x), pixel(3, x)}),
                 columns + x * lanes, 4 * lanes);
      }
      float* to = gradients_ + at * layout_.out + o;
      for (std::int64_t y = 0; y < 6; ++y) {
        const float* row = columns + y * 4 * lanes;
        constexpr FloatTag tag;
        StoreSix(
            TransformGradients({hn::Load(tag, row), hn::Load(tag, row + lanes),
                                hn::Load(tag, row + 2 * lanes), hn::Load(tag, row + 3 * lanes)}),
            to + y * 6 * step, step);
      }
    }
  }

  void Multiply(std::int64_t count) {
    const std::int64_t in = layout_.in, out = layout_.out;
    const auto lanes = static_cast<std::int64_t>(Lanes());
    for (std::int64_t p = 0; p < kWinogradPositions; ++p) {
      const float* inputs = inputs_ + p * layout_.input_step;
      const float* gradients = gradients_ + p * layout_.gradient_step;
      float* products = products_ + p * in * out;
      for (std::int64_t c = 0; c < in; c += 2 * lanes) {
        for (std::int64_t o = 0; o < out; o += kRegisterChannels) {
          if (in - c > lanes) {
            AddProducts<2>(inputs + c, in, gradients + o, out, count, products + o * in + c);
          } else {
            AddProducts<1>(inputs + c, in, gradients + o, out, count, products + o * in + c);
          }
        }
      }
    }
  }

  const WinogradShape& shape_;
  const ImageShape gradient_shape_;
  const BlockLayout layout_;
  const WinogradGrid grid_;
  const T* const input_;
  const T* const gradient_;
  float* const inputs_;
  float* const gradients_;
  float* const products_;
  float* const outside_;
};

template <class T>
void Accumulate(const WinogradShape& shape, const void* input, const void* gradient,
                IndexRange tiles, float* scratch, float* sums) {
  GradientBlocks<T> blocks(shape, static_cast<const T*>(input), static_cast<const T*>(gradient),
                           scratch);
  blocks.Run(tiles);
  blocks.AddTo(sums);
}

void AccumulateTiles(const WinogradShape& shape, const void* input, const void* gradient,
                     ElementType type, IndexRange tiles, float* scratch, float* sums) {
  if (type == ElementType::kFloat32) {
    Accumulate<float>(shape, input, gradient, tiles, scratch, sums);
  } else {
    Accumulate<BFloat16>(shape, input, gradient, tiles, scratch, sums);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {

HWY_EXPORT(AccumulateTiles);

void AccumulateWinogradWeightGradient(const WinogradShape& shape, const void* input,
                                      const void* gradient, ElementType type, IndexRange tiles,
                                      float* scratch, float* sums) {
  HWY_DYNAMIC_DISPATCH(AccumulateTiles)(shape, input, gradient, type, tiles, scratch, sums);
}

std::int64_t WinogradWeightGradientScratch(const WinogradShape& shape) {
  return BlockLayout(shape).Floats();
}

}  // namespace headroom
#endif
