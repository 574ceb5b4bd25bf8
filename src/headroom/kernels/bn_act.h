// SPDX-License-Identifier: Apache-2.0
// Batch normalisation and activation behind a convolution (Ioffe, Szegedy 2015, arXiv:1502.03167;
// SiLU: Elfwing et al. 2017, arXiv:1702.03118), forward in one pass and backward in two.
//   y     pre-activation, the convolution's output     z = y * scale[c] + shift[c]
//   a     = act(z) (+ residual)                        xhat = (y - mean[c]) * inv_std[c]
// with scale = gamma * inv_std, shift = beta - mean * scale. Only y is kept for backward: z, act(z)
// and act'(z) are computed again. SiLU's sigmoid has a relative error below 1e-6 for z > -87 and
// stays below 1e-37 under that.
#pragma once

#include "headroom/kernels/row_tensor.h"

#include <array>
#include <cstdint>

namespace headroom {

// The passes below know kIdentity and kSilu; the others are the reference operation's.
enum class Activation : std::uint8_t { kIdentity, kSilu, kRelu, kLeakyRelu, kHardswish };

// Where channels [first_channel, first_channel + channels) of the result go. The tensor's own
// channel 0 is first_channel of the result.
struct ChannelDestination {
  RowTensor rows;
  std::int64_t first_channel = 0;
  std::int64_t channels = 0;
};

inline constexpr int kMaxDestinations = 3;
inline constexpr int kMaxGradients = 4;

struct BnActForward {
  ConstRowTensor y;
  std::int64_t channels = 0;
  const float* scale = nullptr;  // [channels]
  const float* shift = nullptr;  // [channels]
  Activation activation = Activation::kSilu;
  ConstRowTensor residual;  // [rows, channels], added behind the activation; none when data is null
  std::array<ChannelDestination, kMaxDestinations> destinations;
  int destination_count = 0;
};

// Writes the rows of every destination. When there is one destination and it has all channels, it
// may be y or the residual itself (same data, stride and type); otherwise destinations overlap no
// input.
void RunBnActForward(const BnActForward& op, IndexRange rows);

struct BnActBackward {
  ConstRowTensor y;
  std::int64_t channels = 0;
  const float* scale = nullptr;  // [channels]; not read for kIdentity
  const float* shift = nullptr;  // [channels]; not read for kIdentity
  const float* mean = nullptr;   // [channels]
  Activation activation = Activation::kSilu;
  // [rows, channels] each; their sum is the gradient of a. At most kMaxGradients; of none it is 0.
  std::array<ConstRowTensor, kMaxGradients> gradients;
  int gradient_count = 0;
};

struct BnGradientSums {
  const float* inv_std = nullptr;  // [channels], read
  double* sum_dz = nullptr;        // [channels], added to; over all rows the gradient of beta
  double* sum_dz_xhat = nullptr;   // [channels], added to; over all rows the gradient of gamma
};

// First pass, with dz = (sum of gradients) * act'(z). Adds to the sums over the rows of dz and of
// dz * xhat. When dz.data is not null dz is written there too; it may be one of the gradients (same
// data, stride and type). Partial sums of disjoint ranges are added by the caller. For bf16 dz the
// sums take dz before it is rounded.
void ReduceBnActBackward(const BnActBackward& op, IndexRange rows, const RowTensor& dz,
                         const BnGradientSums& sums);

// dy = for_dz[c] * dz + for_centered[c] * (y - mean[c]) + constant[c]; [channels] each.
struct BnGradientCoefficients {
  float* for_dz = nullptr;
  float* for_centered = nullptr;
  float* constant = nullptr;
};

// Fills the three arrays for training mode: dy = gamma inv_std (dz - mean(dz) - xhat mean(dz
// xhat)); rows is the number of rows behind the sums. (In eval mode they are scale, 0 and 0.)
void ComputeBnGradientCoefficients(std::int64_t channels, std::int64_t rows, const float* scale,
                                   const BnGradientSums& sums,
                                   const BnGradientCoefficients& coefficients);

// Second pass: writes dy. Where the first pass kept dz, give it as the only gradient with
// kIdentity. dy may be y or any gradient itself (same data, stride and type).
void ApplyBnActBackward(const BnActBackward& op, const BnGradientCoefficients& coefficients,
                        IndexRange rows, const RowTensor& dy);

}  // namespace headroom
