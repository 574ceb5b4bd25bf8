// SPDX-License-Identifier: Apache-2.0
// Per-channel sums, means and variances over rows: batch-norm's statistics, a bias's gradient.
// fp32 within at most 32 rows (of a folded tensor: 32 x 128 / channels), double from there on.
// Partial results of disjoint ranges are added (sums) or merged (moments); in the same order they
// give the same bits. All kernels only read the tensor.
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <cstdint>

namespace headroom {

// sums[c] += sum over the rows of y[r][c]. Also the gradient of a bias.
void AddChannelSums(const ConstRowTensor& y, std::int64_t channels, IndexRange rows, double* sums);

// Count, mean and sum of squared deviations from that mean, per channel; a count of 0 means that
// the arrays' contents do not matter yet.
struct ChannelMoments {
  std::int64_t count = 0;
  double* mean = nullptr;                // [channels]
  double* squared_deviations = nullptr;  // [channels]
};

// Merges the moments of the rows into *moments, in one pass over memory. Deviations are taken from
// a pivot per block of rows, the mean of the block's first rows, and blocks are merged (Chan,
// Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample
// variances"). Since those rows belong to the block, its sum of squares around the pivot is at most
// some 64 times that around its mean, whatever the data: nothing cancels that fp32 could not spare.
void AddChannelMoments(const ConstRowTensor& y, std::int64_t channels, IndexRange rows,
                       ChannelMoments* moments);

// Merges the moments of other rows of the same channels.
void MergeChannelMoments(const ChannelMoments& from, std::int64_t channels, ChannelMoments* into);

}  // namespace headroom
