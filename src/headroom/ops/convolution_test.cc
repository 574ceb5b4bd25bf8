// SPDX-License-Identifier: Apache-2.0
#include "headroom/kernels/simd_target.h"
#include "headroom/ops/convolution_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

at::Tensor RandomMap(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return at::randn({n, c, h, w}).contiguous(at::MemoryFormat::ChannelsLast);
}

// Images are shared out among the threads for some of these batches and not for others.
TEST(Convolution, ThreadsDoNotChangeResultsAndStayAsManyAsTheyWere) {
  const int before = at::get_num_threads();
  const ConvolutionSpec specs[] = {{.in_channels = 3, .out_channels = 8, .kernel = 3, .stride = 2},
                                   {.in_channels = 12, .out_channels = 5, .kernel = 1},
                                   {.in_channels = 8, .out_channels = 8, .kernel = 3, .groups = 8}};
  for (const ConvolutionSpec& spec : specs) {
    for (const std::int64_t images : {1, 3, 4, 7, 9}) {
      at::manual_seed(1);
      const at::Tensor x = RandomMap(images, spec.in_channels, 13, 11);
      const at::Tensor weight =
          RandomMap(spec.out_channels, spec.in_channels / spec.groups, spec.kernel, spec.kernel);
      std::vector<at::Tensor> results;
      for (const int threads : {1, 2, 3}) {
        at::set_num_threads(threads);
        at::Tensor y;
        Convolve(spec, x, weight, {}, &y);
        at::Tensor dx;
        const at::Tensor dw = at::empty_like(weight);
        ConvolveBackward(spec, at::ones_like(y), x, weight, &dx, dw);
        EXPECT_EQ(at::get_num_threads(), threads);
        const at::Tensor all = at::cat({y.flatten(), dx.flatten(), dw.flatten()});
        results.push_back(all);
        EXPECT_TRUE(at::allclose(all, results[0], 1e-4, 1e-4)) << images;
      }
    }
  }
  at::set_num_threads(before);
}

// Once for every instruction set: with AVX-512 LibTorch's convolutions are taken, else ours.
class ConvolutionOfEveryTarget : public ::testing::TestWithParam<SimdTarget> {
 protected:
  void SetUp() override { UseSimdTarget(GetParam()); }
  void TearDown() override { UseBestSimdTarget(); }
};

TEST_P(ConvolutionOfEveryTarget, ComputesWhatLibTorchDoes) {
  const ConvolutionSpec specs[] = {{.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2},
                                   {.in_channels = 95, .out_channels = 7, .kernel = 3},
                                   {.in_channels = 32, .out_channels = 64, .kernel = 1},
                                   {.in_channels = 48, .out_channels = 32, .kernel = 3},
                                   {.in_channels = 8, .out_channels = 8, .kernel = 3, .groups = 8}};
  for (const ConvolutionSpec& spec : specs) {
    for (const std::int64_t images : {1, 4}) {
      at::manual_seed(2);
      const at::Tensor x = RandomMap(images, spec.in_channels, 40, 36);
      const at::Tensor weight =
          RandomMap(spec.out_channels, spec.in_channels / spec.groups, spec.kernel, spec.kernel);
      const Extent out = spec.OutputExtent({40, 36});
      const at::Tensor dy = RandomMap(images, spec.out_channels, out.height, out.width);
      at::Tensor dx, expected_dx;
      const at::Tensor dw = at::empty_like(weight), expected = at::empty_like(weight);
      ConvolveBackwardCpu(spec, dy, x, weight, &dx, dw);
      ConvolveBackward(spec, dy, x, weight, &expected_dx, expected);
      at::Tensor y, expected_y;
      ConvolveCpu(spec, x, weight, &y);
      Convolve(spec, x, weight, {}, &expected_y);
      EXPECT_LT((y - expected_y).norm().item<double>(), 1e-5 * expected_y.norm().item<double>());
      EXPECT_LT((dw - expected).norm().item<double>(), 1e-5 * expected.norm().item<double>());
      EXPECT_LT((dx - expected_dx).norm().item<double>(), 1e-5 * expected_dx.norm().item<double>());
    }
  }
}

// Values and sums of bf16 are exact in fp32: only the results are rounded, once.
TEST_P(ConvolutionOfEveryTarget, TakesBFloat16AndRoundsOnce) {
  const ConvolutionSpec specs[] = {{.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2},
                                   {.in_channels = 95, .out_channels = 7, .kernel = 3},
                                   {.in_channels = 32, .out_channels = 64, .kernel = 1},
                                   {.in_channels = 48, .out_channels = 32, .kernel = 3},
                                   {.in_channels = 8, .out_channels = 8, .kernel = 3, .groups = 8}};
  for (const ConvolutionSpec& spec : specs) {
    for (const std::int64_t images : {1, 5}) {
      at::manual_seed(3);
      const at::Tensor x = RandomMap(images, spec.in_channels, 20, 18).to(at::kBFloat16);
      const at::Tensor weight =
          RandomMap(spec.out_channels, spec.in_channels / spec.groups, spec.kernel, spec.kernel)
              .to(at::kBFloat16);
      const Extent out = spec.OutputExtent({20, 18});
      const at::Tensor dy =
          RandomMap(images, spec.out_channels, out.height, out.width).to(at::kBFloat16);
      const auto wide = [](const at::Tensor& narrow) { return narrow.to(at::kFloat); };
      at::Tensor y, expected_y, dx, expected_dx;
      const at::Tensor dw = at::empty_like(weight, at::kFloat), expected_dw = at::empty_like(dw);
      ConvolveCpu(spec, x, wide(weight), &y);
      Convolve(spec, wide(x), wide(weight), {}, &expected_y);
      ConvolveBackwardCpu(spec, dy, x, wide(weight), &dx, dw);
      ConvolveBackward(spec, wide(dy), wide(x), wide(weight), &expected_dx, expected_dw);
      const auto error = [&](const at::Tensor& a, const at::Tensor& b) {
        return ((wide(a) - b).norm() / b.norm()).item<double>();
      };
      EXPECT_LT(error(y, expected_y), 2e-3);  // A rounding is 2^-9 at most.
      EXPECT_LT(error(dx, expected_dx), 2e-3);
      // LibTorch, where it multiplies bf16, rounds the weight gradient too.
      EXPECT_LT(error(dw, expected_dw), 2e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvolutionOfEveryTarget, ::testing::ValuesIn(SimdTargets()),
                         [](const auto& target) { return target.param.name; });

}  // namespace
}  // namespace headroom
