// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace headroom {

// Copies the channels that each destination asks for. Element types may differ.
void WriteTo(const std::vector<ChannelTensor>& destinations, const at::Tensor& value);

// The sum of gradient sources as one dense fp32 tensor of the shape; channels that no
// source covers are zero.
[[nodiscard]] at::Tensor SumOf(const std::vector<ChannelTensor>& sources, at::IntArrayRef shape,
                               const at::TensorOptions& options);

}  // namespace headroom
