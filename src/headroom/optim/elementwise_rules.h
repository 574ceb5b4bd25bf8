// SPDX-License-Identifier: Apache-2.0
// The rarer elementwise optimizers over a piece of flat storage, as PyTorch defines them; SGD and
// Adam have kernels of their own (kernels/optimizer_step.h), whose conventions hold here: one pass,
// disjoint pieces may run at the same time, results do not depend on the cuts, nothing is
// allocated.
#pragma once

#include "headroom/kernels/optimizer_step.h"

#include <cstdint>

namespace headroom {

// PyTorch's constants that no option of ours sets.
inline constexpr double kRmsAlpha = 0.99;
inline constexpr double kRmsEpsilon = 1e-8;
inline constexpr double kNAdamDecay = 0.004;

// Kingma, Ba 2014, arXiv:1412.6980, alg. 2. The norm is max(beta2 * norm, |g| + epsilon).
void RunAdamaxStep(const AdamOptions& options, const ParameterPiece& piece, float* exp_avg,
                   float* exp_inf);

// Dozat 2016, with PyTorch's momentum decay of 0.004.
//   product: of the momenta NAdamMomentum(beta1, 1) .. NAdamMomentum(beta1, step).
[[nodiscard]] double NAdamMomentum(double beta1, std::int64_t step);
void RunNAdamStep(const AdamOptions& options, double product, const ParameterPiece& piece,
                  float* exp_avg, float* exp_avg_sq);

// Liu et al. 2019, arXiv:1908.03265, alg. 2.
void RunRAdamStep(const AdamOptions& options, const ParameterPiece& piece, float* exp_avg,
                  float* exp_avg_sq);

// Hinton's RMSProp with alpha 0.99 and heavy-ball momentum; options.nesterov is not looked at.
void RunRmsPropStep(const SgdOptions& options, const ParameterPiece& piece, float* momentum_buffer,
                    float* square_avg);

}  // namespace headroom
