// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

// to = y + bias[c]: the head's last convolutions, whose maps are fp32 whatever y is. to may be y
// itself (same data, stride and type). The bias's gradient is AddChannelSums of the map's gradient.
void AddBias(const ConstRowTensor& y, std::int64_t channels, const float* bias, IndexRange rows,
             const RowTensor& to);

}  // namespace headroom
