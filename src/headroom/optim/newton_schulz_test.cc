// SPDX-License-Identifier: Apache-2.0
#include "headroom/optim/newton_schulz.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <array>

namespace headroom {
namespace {

at::Tensor RunInScratch(NewtonSchulzScratch& scratch, std::size_t index, const at::Tensor& matrix) {
  const NewtonSchulzScratch::Place in = scratch.Input(index);
  for (std::int64_t r = 0; r < matrix.size(0); ++r) {
    for (std::int64_t c = 0; c < matrix.size(1); ++c) {
      in.data[r * in.row_stride + c * in.column_stride] = matrix[r][c].item<float>();
    }
  }
  const NewtonSchulzScratch::Place out = scratch.Run(index);
  at::Tensor result = at::empty(matrix.sizes());
  for (std::int64_t r = 0; r < matrix.size(0); ++r) {
    for (std::int64_t c = 0; c < matrix.size(1); ++c) {
      result[r][c] = out.data[r * out.row_stride + c * out.column_stride];
    }
  }
  return result;
}

TEST(NewtonSchulz, GivesTheReferencesMatrix) {
  const at::Tensor matrix = at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.5F}).view({2, 3});
  const at::Tensor expected =
      at::tensor({-.7852F, .0991F, .7344F, .6367F, .3770F, .2539F}).view({2, 3});
  EXPECT_LT((NewtonSchulz(matrix).to(at::kFloat) - expected).abs().max().item<double>(), 1e-4);
  const std::array<MatrixSize, 2> sizes = {MatrixSize{2, 3}, MatrixSize{3, 2}};
  NewtonSchulzScratch scratch(sizes);
  EXPECT_LT((RunInScratch(scratch, 0, matrix) - expected).abs().max().item<double>(), 1e-4);
  EXPECT_LT((RunInScratch(scratch, 1, matrix.t()) - expected.t()).abs().max().item<double>(), 1e-4);
}

TEST(NewtonSchulz, PushesSingularValuesTowardsOne) {
  at::manual_seed(2);
  const at::Tensor matrix = at::randn({24, 60});
  const at::Tensor values = at::linalg_svdvals(NewtonSchulz(matrix).to(at::kFloat));
  EXPECT_GT(values.min().item<double>(), 0.5);
  EXPECT_LT(values.max().item<double>(), 1.5);
}

TEST(NewtonSchulz, PermutingTheColumnsPermutesTheResult) {
  at::manual_seed(4);
  const at::Tensor matrix = at::randn({8, 36});
  const at::Tensor order = at::randperm(36);
  const at::Tensor a = NewtonSchulz(matrix).to(at::kFloat).index_select(1, order);
  const at::Tensor b = NewtonSchulz(matrix.index_select(1, order)).to(at::kFloat);
  EXPECT_LT((a - b).abs().max().item<double>(), 2e-2);
}

TEST(NewtonSchulz, AMatrixOfZerosStaysZero) {
  const std::array<MatrixSize, 1> sizes = {MatrixSize{4, 9}};
  NewtonSchulzScratch scratch(sizes);
  EXPECT_EQ(RunInScratch(scratch, 0, at::zeros({4, 9})).abs().sum().item<double>(), 0);
  EXPECT_EQ(NewtonSchulz(at::zeros({4, 9})).abs().sum().item<double>(), 0);
}

}  // namespace
}  // namespace headroom
