// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/optimizer_step.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "headroom/kernels/optimizer_step.cc"
#include <hwy/foreach_target.h>
//
#include "headroom/kernels/vector_access-inl.h"

#ifndef HEADROOM_KERNELS_ADAM_FACTORS
#define HEADROOM_KERNELS_ADAM_FACTORS
namespace headroom {
namespace {
// What of AdamOptions is the same for every element.
struct AdamFactors {
  float keep;               // 1 - learning_rate * weight_decay when decoupled, else 1
  float decay_in_gradient;  // 0 when decoupled
  float step_size;          // learning_rate / (1 - beta1^step)
  float root_scale;         // 1 / sqrt(1 - beta2^step)
  float one_minus_beta1;
  float one_minus_beta2;
};
}  // namespace
}  // namespace headroom
#endif

HWY_BEFORE_NAMESPACE();
namespace headroom {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE FloatVec Average(FloatVec decay, FloatVec one_minus_decay, FloatVec average,
                            FloatVec value) {
  return hn::MulAdd(decay, average, hn::Mul(one_minus_decay, value));
}

// Stores the new parameters wherever the piece wants them.
class ParameterWriter {
 public:
  explicit ParameterWriter(const ParameterPiece& piece)
      : piece_(piece),
        decay_(Splat(piece.ema_decay)),
        one_minus_decay_(Splat(1.0 - piece.ema_decay)) {}
  template <class LanesKind>
  HWY_INLINE void Store(std::size_t i, FloatVec p, LanesKind lanes) const {
    StoreFloats(p, piece_.parameters + i, lanes);
    if (piece_.ema != nullptr) {
      const FloatVec ema = LoadFloats(piece_.ema + i, lanes);
      StoreFloats(Average(decay_, one_minus_decay_, ema, p), piece_.ema + i, lanes);
    }
    if (piece_.bf16_copy != nullptr) StoreFloats(p, piece_.bf16_copy + i, lanes);
  }

 private:
  const ParameterPiece& piece_;
  FloatVec decay_;
  FloatVec one_minus_decay_;
};

void SgdKernel(const SgdOptions& options, const ParameterPiece& piece, float* momentum) {
  const ParameterWriter writer(piece);
  const FloatVec gradient_scale = Splat(piece.gradient_scale);
  const FloatVec decay = Splat(options.weight_decay);
  const FloatVec factor = Splat(options.momentum);
  const FloatVec rate = Splat(options.learning_rate);
  ForEachVector(static_cast<std::size_t>(piece.count), [&](std::size_t i, auto lanes) HWY_ATTR {
    const FloatVec p = LoadFloats(piece.parameters + i, lanes);
    const FloatVec scaled = hn::Mul(LoadFloats(piece.gradients + i, lanes), gradient_scale);
    const FloatVec g = hn::MulAdd(decay, p, scaled);
    const FloatVec m = hn::MulAdd(factor, LoadFloats(momentum + i, lanes), g);
    StoreFloats(m, momentum + i, lanes);
    const FloatVec direction = options.nesterov ? hn::MulAdd(factor, m, g) : m;
    writer.Store(i, hn::NegMulAdd(rate, direction, p), lanes);
  });
}

void AdamKernel(const AdamOptions& options, const AdamFactors& factors, const ParameterPiece& piece,
                float* first_moment, float* second_moment) {
  const ParameterWriter writer(piece);
  const FloatVec gradient_scale = Splat(piece.gradient_scale);
  const FloatVec beta1 = Splat(options.beta1);
  const FloatVec beta2 = Splat(options.beta2);
  ForEachVector(static_cast<std::size_t>(piece.count), [&](std::size_t i, auto lanes) HWY_ATTR {
    const FloatVec p = LoadFloats(piece.parameters + i, lanes);
    const FloatVec scaled = hn::Mul(LoadFloats(piece.gradients + i, lanes), gradient_scale);
    const FloatVec g = hn::MulAdd(Splat(factors.decay_in_gradient), p, scaled);
    const FloatVec m =
        Average(beta1, Splat(factors.one_minus_beta1), LoadFloats(first_moment + i, lanes), g);
    const FloatVec v = Average(beta2, Splat(factors.one_minus_beta2),
                               LoadFloats(second_moment + i, lanes), hn::Mul(g, g));
    StoreFloats(m, first_moment + i, lanes);
    StoreFloats(v, second_moment + i, lanes);
    const FloatVec root =
        hn::MulAdd(hn::Sqrt(v), Splat(factors.root_scale), Splat(options.epsilon));
    const FloatVec kept = hn::Mul(p, Splat(factors.keep));
    writer.Store(i, hn::NegMulAdd(Splat(factors.step_size), hn::Div(m, root), kept), lanes);
  });
}

void EmaKernel(double decay, const float* values, float* ema, std::int64_t count) {
  const FloatVec keep = Splat(decay);
  const FloatVec take = Splat(1.0 - decay);
  ForEachVector(static_cast<std::size_t>(count), [&](std::size_t i, auto lanes) HWY_ATTR {
    const FloatVec v = LoadFloats(values + i, lanes);
    StoreFloats(Average(keep, take, LoadFloats(ema + i, lanes), v), ema + i, lanes);
  });
}

template <class T>
void AddScaledAs(float scale, const T* values, float* sums, std::int64_t count) {
  const FloatVec factor = Splat(scale);
  ForEachVector(static_cast<std::size_t>(count), [&](std::size_t i, auto lanes) HWY_ATTR {
    const FloatVec sum = LoadFloats(sums + i, lanes);
    StoreFloats(hn::MulAdd(factor, LoadFloats(values + i, lanes), sum), sums + i, lanes);
  });
}

void AddScaledFloatKernel(float scale, const float* values, float* sums, std::int64_t count) {
  AddScaledAs(scale, values, sums, count);
}

void AddScaledHalfKernel(float scale, const BFloat16* values, float* sums, std::int64_t count) {
  AddScaledAs(scale, values, sums, count);
}

double SumOfSquaresKernel(const float* values, std::int64_t count) {
  const hn::ScalableTag<double> tag;
  const hn::Rebind<float, decltype(tag)> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(tag));
  auto even = hn::Zero(tag);
  auto odd = hn::Zero(tag);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto a = hn::PromoteTo(tag, hn::LoadU(narrow, values + i));
    const auto b = hn::PromoteTo(tag, hn::LoadU(narrow, values + i + lanes));
    even = hn::MulAdd(a, a, even);
    odd = hn::MulAdd(b, b, odd);
  }
  double sum = hn::GetLane(hn::SumOfLanes(tag, hn::Add(even, odd)));
  for (; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return sum;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headroom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headroom {
namespace {

AdamFactors FactorsOf(const AdamOptions& o) {
  const double rate = o.learning_rate;
  const double decay = o.weight_decay;
  const bool decoupled = o.decay == WeightDecay::kDecoupled;
  const auto step = static_cast<double>(o.step);
  return {.keep = decoupled ? static_cast<float>(1.0 - rate * decay) : 1.0f,
          .decay_in_gradient = decoupled ? 0.0f : static_cast<float>(decay),
          .step_size = static_cast<float>(rate / (1.0 - std::pow(o.beta1, step))),
          .root_scale = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, step))),
          .one_minus_beta1 = static_cast<float>(1.0 - o.beta1),
          .one_minus_beta2 = static_cast<float>(1.0 - o.beta2)};
}

}  // namespace

HWY_EXPORT(SgdKernel);
HWY_EXPORT(AdamKernel);
HWY_EXPORT(EmaKernel);
HWY_EXPORT(AddScaledFloatKernel);
HWY_EXPORT(AddScaledHalfKernel);
HWY_EXPORT(SumOfSquaresKernel);

void RunSgdStep(const SgdOptions& options, const ParameterPiece& piece, float* momentum) {
  HWY_DYNAMIC_DISPATCH(SgdKernel)(options, piece, momentum);
}

void RunAdamStep(const AdamOptions& options, const ParameterPiece& piece, float* first_moment,
                 float* second_moment) {
  HWY_DYNAMIC_DISPATCH(AdamKernel)
  (options, FactorsOf(options), piece, first_moment, second_moment);
}

void UpdateEma(double decay, const float* values, float* ema, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(EmaKernel)(decay, values, ema, count);
}

void AddScaled(float scale, const float* values, float* sums, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(AddScaledFloatKernel)(scale, values, sums, count);
}

void AddScaled(float scale, const BFloat16* values, float* sums, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(AddScaledHalfKernel)(scale, values, sums, count);
}

double SumOfSquares(const float* values, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(SumOfSquaresKernel)(values, count);
}

}  // namespace headroom
#endif
