// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/optimizer_step.h"
#include "headroom/optim/optimizer.h"

#include <vector>

namespace headroom {

// The elementwise optimizers on a CPU: every array is read once and written once, by all threads;
// EMA and bf16 copy in the same pass. Step allocates nothing.
[[nodiscard]] std::unique_ptr<Optimizer> MakeCpuOptimizer(OptimizerKind kind,
                                                          std::span<const Parameter> parameters,
                                                          std::int64_t count);

// The arrays of a stretch of flat storage.
[[nodiscard]] ParameterPiece PieceOf(const StepTensors& tensors, std::int64_t offset,
                                     std::int64_t count);

// Cuts a parameter into pieces small enough to share among threads and large enough to be worth a
// call.
void AppendPieces(const Parameter& parameter, std::size_t group, std::size_t index,
                  std::vector<Optimizer::Piece>& pieces);

}  // namespace headroom
