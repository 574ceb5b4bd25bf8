// SPDX-License-Identifier: Apache-2.0
// The optimizer's work on flat fp32 storage: every state is read once and written once. To share
// the work, callers cut the storage into disjoint pieces; results do not depend on the cuts, except
// for SumOfSquares (added up in the caller's order).
#pragma once

#include "headroom/kernels/bfloat16.h"

#include <cstdint>

namespace headroom {

// A piece of flat storage. Arrays have `count` elements and do not overlap.
struct ParameterPiece {
  std::int64_t count = 0;
  float* parameters = nullptr;
  const float* gradients = nullptr;
  double gradient_scale = 1;  // multiplies the gradients first: clipping, averaging
  float* ema = nullptr;       // null: none. Else ema = ema_decay * ema + (1 - ema_decay) * p
  double ema_decay = 0;
  BFloat16* bf16_copy = nullptr;  // null: none. Else the new parameters, rounded
};

// g = gradient + weight_decay * p; m = momentum * m + g; p -= learning_rate * d, where d is
// g + momentum * m with Nesterov's momentum and m without (PyTorch's SGD with dampening 0; m starts
// at 0).
struct SgdOptions {
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = true;
};
void RunSgdStep(const SgdOptions& options, const ParameterPiece& piece, float* momentum);

// Adam (Kingma, Ba 2014, arXiv:1412.6980, alg. 1), or AdamW with decoupled decay (Loshchilov,
// Hutter 2017, arXiv:1711.05101, alg. 2, decay times learning rate): p *= 1 - learning_rate *
// weight_decay. Moments start at 0; step is 1 the first time.
enum class WeightDecay : std::uint8_t { kInGradient, kDecoupled };
struct AdamOptions {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  WeightDecay decay = WeightDecay::kDecoupled;
  std::int64_t step = 1;
};
void RunAdamStep(const AdamOptions& options, const ParameterPiece& piece, float* first_moment,
                 float* second_moment);

// ema = decay * ema + (1 - decay) * values: for what no optimizer moves (running statistics).
void UpdateEma(double decay, const float* values, float* ema, std::int64_t count);

// sums += scale * values: a micro-batch's gradients into the batch's.
void AddScaled(float scale, const float* values, float* sums, std::int64_t count);
void AddScaled(float scale, const BFloat16* values, float* sums, std::int64_t count);

// Every product and sum in double.
[[nodiscard]] double SumOfSquares(const float* values, std::int64_t count);

}  // namespace headroom
