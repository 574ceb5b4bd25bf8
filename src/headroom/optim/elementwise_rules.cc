// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/elementwise_rules.h"

#include "headroom/kernels/convert.h"

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

double Correction(double beta, std::int64_t step) {
  return 1 - std::pow(beta, static_cast<double>(step));
}

// rule(gradient with decay, i) gives what is subtracted from element i; then the copies follow
// while the piece is in the cache.
template <typename Rule>
void ForEachElement(const ParameterPiece& piece, double weight_decay, const Rule& rule) {
  const auto scale = static_cast<float>(piece.gradient_scale);
  const auto decay = static_cast<float>(weight_decay);
  for (std::int64_t i = 0; i < piece.count; ++i) {
    const float p = piece.parameters[i];
    piece.parameters[i] = p - rule(scale * piece.gradients[i] + decay * p, i);
  }
  if (piece.ema != nullptr) UpdateEma(piece.ema_decay, piece.parameters, piece.ema, piece.count);
  if (piece.bf16_copy != nullptr) {
    ConvertToBFloat16(piece.parameters, piece.bf16_copy, piece.count);
  }
}

// Both moments of the Adam family.
struct Moments {
  explicit Moments(const AdamOptions& o)
      : beta1(static_cast<float>(o.beta1)),
        beta2(static_cast<float>(o.beta2)),
        one_minus_beta1(static_cast<float>(1 - o.beta1)),
        one_minus_beta2(static_cast<float>(1 - o.beta2)) {}
  float First(float& m, float g) const { return m = beta1 * m + one_minus_beta1 * g; }
  float Second(float& v, float g) const { return v = beta2 * v + one_minus_beta2 * g * g; }

  float beta1, beta2, one_minus_beta1, one_minus_beta2;
};

}  // namespace

void RunAdamaxStep(const AdamOptions& o, const ParameterPiece& piece, float* exp_avg,
                   float* exp_inf) {
  const Moments moments(o);
  const auto rate = static_cast<float>(o.learning_rate / Correction(o.beta1, o.step));
  const auto epsilon = static_cast<float>(o.epsilon);
  ForEachElement(piece, o.weight_decay, [&](float g, std::int64_t i) {
    exp_inf[i] = std::max(moments.beta2 * exp_inf[i], std::abs(g) + epsilon);
    return rate * moments.First(exp_avg[i], g) / exp_inf[i];
  });
}

double NAdamMomentum(double beta1, std::int64_t step) {
  return beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * kNAdamDecay));
}

void RunNAdamStep(const AdamOptions& o, double product, const ParameterPiece& piece, float* exp_avg,
                  float* exp_avg_sq) {
  const Moments moments(o);
  const double mu = NAdamMomentum(o.beta1, o.step);
  const double next = NAdamMomentum(o.beta1, o.step + 1);
  const auto gradient_rate = static_cast<float>(o.learning_rate * (1 - mu) / (1 - product));
  const auto moment_rate = static_cast<float>(o.learning_rate * next / (1 - product * next));
  const auto correction = static_cast<float>(1 / Correction(o.beta2, o.step));
  const auto epsilon = static_cast<float>(o.epsilon);
  ForEachElement(piece, o.weight_decay, [&](float g, std::int64_t i) {
    const float m = moments.First(exp_avg[i], g);
    const float root = std::sqrt(moments.Second(exp_avg_sq[i], g) * correction) + epsilon;
    return (gradient_rate * g + moment_rate * m) / root;
  });
}

void RunRAdamStep(const AdamOptions& o, const ParameterPiece& piece, float* exp_avg,
                  float* exp_avg_sq) {
  const Moments moments(o);
  const auto t = static_cast<double>(o.step);
  const double correction2 = Correction(o.beta2, o.step);
  const double rho_inf = 2 / (1 - o.beta2) - 1;
  const double rho = rho_inf - 2 * t * std::pow(o.beta2, t) / correction2;
  const double plain_rate = o.learning_rate / Correction(o.beta1, o.step);
  const auto epsilon = static_cast<float>(o.epsilon);
  if (rho <= 5) {  // The variance of the second moment is unbounded: momentum alone.
    const auto rate = static_cast<float>(plain_rate);
    ForEachElement(piece, o.weight_decay, [&](float g, std::int64_t i) {
      moments.Second(exp_avg_sq[i], g);
      return rate * moments.First(exp_avg[i], g);
    });
    return;
  }
  const double rectified =
      std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
  const auto rate = static_cast<float>(plain_rate * rectified * std::sqrt(correction2));
  ForEachElement(piece, o.weight_decay, [&](float g, std::int64_t i) {
    const float m = moments.First(exp_avg[i], g);
    return rate * m / (std::sqrt(moments.Second(exp_avg_sq[i], g)) + epsilon);
  });
}

void RunRmsPropStep(const SgdOptions& o, const ParameterPiece& piece, float* momentum_buffer,
                    float* square_avg) {
  const auto alpha = static_cast<float>(kRmsAlpha);
  const auto one_minus_alpha = static_cast<float>(1 - kRmsAlpha);
  const auto epsilon = static_cast<float>(kRmsEpsilon);
  const auto momentum = static_cast<float>(o.momentum);
  const auto rate = static_cast<float>(o.learning_rate);
  ForEachElement(piece, o.weight_decay, [&](float g, std::int64_t i) {
    const float square = square_avg[i] = alpha * square_avg[i] + one_minus_alpha * g * g;
    float& m = momentum_buffer[i];
    m = momentum * m + g / (std::sqrt(square) + epsilon);
    return rate * m;
  });
}

}  // namespace headroom
