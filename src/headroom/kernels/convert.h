// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/bfloat16.h"

#include <cstdint>

namespace headroom {

// count elements of flat memory; the rounding is that of ToBFloat16. The ranges must not overlap.
void ConvertToBFloat16(const float* from, BFloat16* to, std::int64_t count);

}  // namespace headroom
