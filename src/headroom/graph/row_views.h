// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <ATen/core/Tensor.h>

namespace headroom {

[[nodiscard]] inline ElementType ElementTypeOf(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? ElementType::kFloat32 : ElementType::kBFloat16;
}

[[nodiscard]] inline ImageShape ImageShapeOf(const at::Tensor& map) {
  return {map.size(0), map.size(2), map.size(3), map.size(1)};
}

// A channels-last CPU tensor [N, C, H, W], possibly a channel slice, as the rows that kernels walk.
[[nodiscard]] inline RowTensor RowsOf(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr(), tensor.stride(3), ElementTypeOf(tensor)};
}

[[nodiscard]] inline std::int64_t RowCount(const at::Tensor& tensor) {
  return tensor.size(0) * tensor.size(2) * tensor.size(3);
}

}  // namespace headroom
