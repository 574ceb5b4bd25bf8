// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/newton_schulz.h"

#include "headroom/memory/tag_scope.h"
#include "headroom/optim/gradient_clip.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace headroom {
namespace {

constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr int kIterations = 5;
constexpr double kNormEpsilon = 1e-7;
// Elements below which a pass is not worth sharing among threads.
constexpr std::int64_t kGrain = 1 << 14;

struct ScratchSizes {
  std::int64_t matrix = 0;  // Elements of the largest matrix.
  std::int64_t gram = 0;    // Elements of the largest square of a shorter side.
};

// Rounded up, so that every buffer starts on a cache line.
std::int64_t Aligned(std::int64_t elements) { return (elements + 15) / 16 * 16; }

ScratchSizes SizesFor(std::span<const MatrixSize> sizes) {
  ScratchSizes result;
  for (const MatrixSize& size : sizes) {
    const std::int64_t side = std::min(size.rows, size.columns);
    result.matrix = std::max(result.matrix, Aligned(size.rows * size.columns));
    result.gram = std::max(result.gram, Aligned(side * side));
  }
  return result;
}

// To the nearest bf16, ties to even; as ToBFloat16, in a form that vectorises.
float Rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U;
  return std::isnan(value) ? value : std::bit_cast<float>(rounded);
}

void RoundAll(at::Tensor& x) {
  float* const values = x.data_ptr<float>();
  at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) values[i] = Rounded(values[i]);
  });
}

// x / (|x| + epsilon), in place.
void Normalise(at::Tensor& x) {
  RoundAll(x);
  const float norm = Rounded(static_cast<float>(GradientNorm(x)));
  const float divisor = Rounded(norm + static_cast<float>(kNormEpsilon));
  float* const values = x.data_ptr<float>();
  at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) values[i] = Rounded(values[i] / divisor);
  });
}

}  // namespace

at::Tensor NewtonSchulz(const at::Tensor& update) {
  at::Tensor x = update.to(at::kBFloat16);
  x = x / (x.norm() + kNormEpsilon);
  const bool tall = x.size(0) > x.size(1);
  if (tall) x = x.t();
  for (int i = 0; i < kIterations; ++i) {
    const at::Tensor a = at::matmul(x, x.t());
    x = at::addmm(x, at::addmm(a, a, a, kB, kC), x, kA, 1);
  }
  return tall ? x.t() : x;
}

std::int64_t NewtonSchulzScratch::Elements(std::span<const MatrixSize> sizes) {
  const ScratchSizes largest = SizesFor(sizes);
  return 2 * (largest.matrix + largest.gram);
}

NewtonSchulzScratch::NewtonSchulzScratch(std::span<const MatrixSize> sizes) {
  const TagScope tag(MemoryTag::kOptimizer);
  const ScratchSizes largest = SizesFor(sizes);
  scratch_ = at::zeros({Elements(sizes)}, at::kFloat);
  for (const MatrixSize& size : sizes) {
    const std::int64_t m = std::min(size.rows, size.columns);
    const std::int64_t n = std::max(size.rows, size.columns);
    const auto cut = [&](std::int64_t offset, std::int64_t rows, std::int64_t columns) {
      return scratch_.narrow(0, offset, rows * columns).view({rows, columns});
    };
    Views views{.transposed = size.rows > size.columns};
    views.x = cut(0, m, n);
    views.other = cut(largest.matrix, m, n);
    views.gram = cut(2 * largest.matrix, m, m);
    views.polynomial = cut(2 * largest.matrix + largest.gram, m, m);
    views.x_transposed = views.x.t();
    views.other_transposed = views.other.t();
    views_.push_back(std::move(views));
  }
}

NewtonSchulzScratch::Place NewtonSchulzScratch::PlaceOf(const at::Tensor& matrix, bool transposed) {
  const std::int64_t width = matrix.size(1);
  return {matrix.data_ptr<float>(), transposed ? 1 : width, transposed ? width : 1};
}

NewtonSchulzScratch::Place NewtonSchulzScratch::Input(std::size_t index) const {
  return PlaceOf(views_[index].x, views_[index].transposed);
}

NewtonSchulzScratch::Place NewtonSchulzScratch::Run(std::size_t index) {
  Views& v = views_[index];
  Normalise(v.x);
  at::Tensor *x = &v.x, *other = &v.other;
  const at::Tensor *x_t = &v.x_transposed, *other_t = &v.other_transposed;
  for (int i = 0; i < kIterations; ++i) {
    at::mm_out(v.gram, *x, *x_t);
    RoundAll(v.gram);
    at::addmm_out(v.polynomial, v.gram, v.gram, v.gram, kB, kC);
    RoundAll(v.polynomial);
    at::addmm_out(*other, *x, v.polynomial, *x, kA, 1);
    RoundAll(*other);
    std::swap(x, other);
    std::swap(x_t, other_t);
  }
  return PlaceOf(*x, v.transposed);
}

}  // namespace headroom
