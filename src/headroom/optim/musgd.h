// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/optim/newton_schulz.h"
#include "headroom/optim/optimizer.h"

#include <span>
#include <vector>

namespace headroom {

// MuSGD: for every 2-D and 4-D parameter an orthogonalised momentum step (Muon, Jordan et al.
// 2024), then SGD with Nesterov momentum from where that led; plain SGD for the rest. Per muon
// parameter with momentum b, gradient g, rate lr, decay d and s = sqrt(max(1, shape[-2] /
// shape[-1])):
//   m = b m + (1 - b) g;  u = b m + (1 - b) g;  p -= 0.2 lr s NewtonSchulz(u as rows);
//   g' = g + d p;  v = b v + g';  p -= lr (g' + b v).
// On a CPU nothing is allocated after construction; elsewhere ATen operations.
[[nodiscard]] std::unique_ptr<Optimizer> MakeMuSgd(std::span<const Parameter> parameters,
                                                   std::int64_t count, at::Device device);
// The twin in ATen operations, on any device.
[[nodiscard]] std::unique_ptr<Optimizer> MakeAtenMuSgd(std::span<const Parameter> parameters,
                                                       std::int64_t count, at::Device device);

// The matrices that a MuSGD over these parameters orthogonalises.
[[nodiscard]] std::vector<MatrixSize> MuonMatrices(std::span<const Parameter> parameters);

// 0.2 * s of a parameter.
[[nodiscard]] double MuonFactor(const Parameter& parameter);

}  // namespace headroom
