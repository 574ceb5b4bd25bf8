// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace headroom {

// Five Newton-Schulz iterations in bf16 towards the nearest semi-orthogonal matrix of `update`
// [rows, columns] (Muon, Jordan et al. 2024): X = u / (|u| + 1e-7), transposed if rows > columns;
// A = X X^T, B = -4.7750 A + 2.0315 A^2, X = 3.4445 X + B X, each line rounded to bf16 once.
// Permuting the columns permutes the result alike, so the layout of a convolution's weights does
// not matter. The obvious form, on any device.
[[nodiscard]] at::Tensor NewtonSchulz(const at::Tensor& update);

struct MatrixSize {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

// The same on a CPU for matrices known beforehand, one at a time in shared scratch. No call
// allocates: the numbers are bf16, but held and multiplied as fp32, since LibTorch's bf16 products
// reorder their operands into fresh memory. Not thread-safe; uses LibTorch's threads inside.
class NewtonSchulzScratch {
 public:
  explicit NewtonSchulzScratch(std::span<const MatrixSize> sizes);
  // fp32 elements that the constructor allocates.
  [[nodiscard]] static std::int64_t Elements(std::span<const MatrixSize> sizes);

  // Where a matrix lies: element (r, c) at data[r * row_stride + c * column_stride].
  struct Place {
    float* data = nullptr;
    std::int64_t row_stride = 0;
    std::int64_t column_stride = 0;
  };
  // Where matrix `index` of the sizes is to be put.
  [[nodiscard]] Place Input(std::size_t index) const;
  // Runs the iterations; where the result lies, until the next Input is written.
  [[nodiscard]] Place Run(std::size_t index);

 private:
  // Views of the scratch, shorter side first.
  struct Views {
    bool transposed = false;
    at::Tensor x, x_transposed;          // Input.
    at::Tensor other, other_transposed;  // What the iterations swap with it.
    at::Tensor gram, polynomial;
  };
  [[nodiscard]] static Place PlaceOf(const at::Tensor& matrix, bool transposed);

  at::Tensor scratch_;
  std::vector<Views> views_;
};

}  // namespace headroom
