// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/gradient_clip.h"

#include "headroom/kernels/optimizer_step.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace headroom {

double GradientNorm(const at::Tensor& gradients) {
  if (!gradients.is_cpu()) return gradients.to(at::kDouble).norm().item<double>();
  // The cuts depend on the size alone, and the blocks' sums are added in order.
  constexpr std::int64_t kBlocks = 64;
  const std::int64_t count = gradients.numel();
  const std::int64_t block = (count + kBlocks - 1) / kBlocks;
  const float* const values = gradients.const_data_ptr<float>();
  std::array<double, kBlocks> sums{};
  const std::int64_t grain = count < (1 << 15) ? kBlocks : 1;
  at::parallel_for(0, kBlocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = std::min(i * block, count);
      const std::int64_t elements = std::min(block, count - first);
      sums[static_cast<std::size_t>(i)] = SumOfSquares(values + first, elements);
    }
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

double ClipFactor(double norm, double limit) { return std::min(1.0, limit / (norm + 1e-6)); }

}  // namespace headroom
