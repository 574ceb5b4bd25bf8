// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/optim/optimizer.h"

namespace headroom {

// MakeMuSgd's optimizer for a CPU.
[[nodiscard]] std::unique_ptr<Optimizer> MakeCpuMuSgd(std::span<const Parameter> parameters,
                                                      std::int64_t count);

}  // namespace headroom
