// SPDX-License-Identifier: Apache-2.0
// For the tests that run a fused operation beside its reference twin.
#pragma once

#include "headroom/graph/shape.h"
#include "headroom/kernels/simd_target.h"
#include "headroom/ops/operation_factory.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace headroom::testing {

// A channel slice in the middle of wider rows, as in a concatenation; NaN around it.
inline at::Tensor Slice(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  const at::Tensor wide =
      at::full({n, c + 5, e.height, e.width}, NAN, type).contiguous(at::MemoryFormat::ChannelsLast);
  return wide.narrow(1, 2, c);
}

inline at::Tensor Dense(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  return at::randn({n, c, e.height, e.width}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// Quarters, so that pooling has ties and sums are exact.
inline at::Tensor Quarters(std::int64_t n, std::int64_t c, const Extent& e, at::ScalarType type) {
  const at::Tensor slice = Slice(n, c, e, type);
  slice.copy_(at::randint(-12, 12, slice.sizes()) / 4);
  return slice;
}

struct Results {
  std::vector<at::Tensor> tensors;
};

inline void ExpectNear(const Results& fused, const Results& reference, at::ScalarType type) {
  ASSERT_EQ(fused.tensors.size(), reference.tensors.size());
  const double tolerance = type == at::kFloat ? 1e-5 : 2e-2;
  for (std::size_t i = 0; i < fused.tensors.size(); ++i) {
    const at::Tensor a = fused.tensors[i].to(at::kFloat);
    const at::Tensor b = reference.tensors[i].to(at::kFloat);
    const double error = ((a - b).norm() / (b.norm() + 1e-3)).item<double>();
    EXPECT_LT(error, tolerance) << "result " << i;
    // Of itself or, where it is a difference of large ones, of their root mean square.
    const double size = std::max(1.0, b.square().mean().sqrt().item<double>());
    EXPECT_TRUE(at::allclose(a, b, 10 * tolerance, 10 * tolerance * size)) << "result " << i;
  }
}

inline void RunForEveryTarget(const std::function<void(OpsChoice)>& run) {
  for (const SimdTarget& target : SimdTargets()) {
    SCOPED_TRACE(target.name);
    UseSimdTarget(target);
    run(OpsChoice::kFused);
  }
  UseBestSimdTarget();
}

// One thread, a number that divides nothing, and more than there are of most things.
inline void RunForThreadCounts(const std::function<void(OpsChoice)>& run) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 3, 8}) {
    SCOPED_TRACE(::testing::Message() << threads << " threads");
    at::set_num_threads(threads);
    run(OpsChoice::kFused);
  }
  at::set_num_threads(before);
}

}  // namespace headroom::testing
