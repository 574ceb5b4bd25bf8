// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/parameter_store.h"
#include "headroom/interop/tensor_data.h"
#include "headroom/ops/conv_bias.h"
#include "headroom/ops/conv_bn_act.h"

#include <string>

namespace headroom {

// A convolution with everything linear behind it folded in: y = conv(x, weight) + bias.
struct FoldedConvolution {
  ConvolutionSpec spec;
  std::string name;   // Checkpoint prefix: "model.0.conv".
  TensorData weight;  // [out, in / groups, k, k], row-major fp32.
  TensorData bias;    // [out]
};

// gamma / sqrt(var + eps) goes into the weights, the rest of the batch-norm into the bias; computed
// in double. Copies the weights to the host.
[[nodiscard]] FoldedConvolution Fold(const ConvBnAct& operation, const ParameterStore& parameters,
                                     const std::string& name);
[[nodiscard]] FoldedConvolution Fold(const ConvBias& operation, const ParameterStore& parameters,
                                     const std::string& name);

}  // namespace headroom
