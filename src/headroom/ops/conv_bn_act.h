// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/operation.h"
#include "headroom/graph/parameter_store.h"
#include "headroom/kernels/bn_act.h"
#include "headroom/ops/convolution.h"

#include <cstdint>
#include <vector>

namespace headroom {

// Batch-norm constants of Ultralytics models.
inline constexpr double kNormEpsilon = 1e-3;
inline constexpr double kNormMomentum = 0.03;

struct ConvBnActSpec {
  ConvolutionSpec convolution;
  Activation activation = Activation::kSilu;
  double negative_slope = 0.01;  // Of kLeakyRelu.
  bool residual = false;         // A second input is added after the activation.
  int weight = -1;               // Parameter index.
  NormIndices norm;
  double norm_epsilon = kNormEpsilon;
  double norm_momentum = kNormMomentum;  // The new batch's share in the running statistics.
};

// out = act(norm(conv(x))) (+ residual). Saves y = conv(x), from which everything else is cheap:
// forward writes the activation to any number of destinations, backward overwrites y with its
// gradient. How the convolution and the passes over y run is the implementation's.
class ConvBnAct : public Operation {
 public:
  explicit ConvBnAct(const ConvBnActSpec& spec) : spec_(spec) {}

  [[nodiscard]] std::string_view type() const override { return "conv_bn_act"; }
  [[nodiscard]] OperationTraits traits() const override;
  [[nodiscard]] std::vector<std::int64_t> OutputChannels() const override {
    return {spec_.convolution.out_channels};
  }
  [[nodiscard]] Extent OutputExtent(const Extent& input) const override {
    return spec_.convolution.OutputExtent(input);
  }
  [[nodiscard]] std::int64_t SavedChannels() const override {
    return spec_.convolution.out_channels;
  }
  [[nodiscard]] std::int64_t MultiplyAdds(const Extent& input) const override {
    return spec_.convolution.MultiplyAdds(input);
  }
  [[nodiscard]] std::vector<int> ParameterIndices() const override;
  [[nodiscard]] const ConvBnActSpec& spec() const { return spec_; }

  void Forward(OperationCall& call) const override;
  void Rematerialize(OperationCall& call) const override;
  void Backward(OperationCall& call) const override;

 protected:
  // Mean and biased variance of y per channel into the store's moments.
  virtual void Moments(const at::Tensor& y, ParameterStore& parameters) const = 0;
  // Destinations get act(y * scale + shift) (+ residual); the norm's mean is `mean`, its 1/std lies
  // in the store.
  virtual void Activate(OperationCall& call) const = 0;
  // Overwrites y (call.saved) with its gradient; writes the norm's parameter gradients.
  virtual void BackwardNorm(OperationCall& call) const = 0;
  // The weight that the convolution multiplies with.
  [[nodiscard]] virtual const at::Tensor& Weight(const ParameterStore& parameters) const;
  // Convolve and ConvolveBackward, or what does the same faster.
  virtual void ForwardConvolution(const at::Tensor& input, const at::Tensor& weight,
                                  at::Tensor* output) const;
  virtual void BackwardConvolution(const at::Tensor& output_grad, const at::Tensor& input,
                                   const at::Tensor& weight, at::Tensor* input_grad,
                                   const at::Tensor& weight_grad) const;

  // The mean that the current mode normalises with.
  [[nodiscard]] const at::Tensor& Mean(const OperationCall& call) const;
  [[nodiscard]] const at::Tensor& InverseStd(const OperationCall& call) const {
    return call.parameters->inverse_std_view(spec_.norm.variance);
  }

 private:
  void PrepareNorm(OperationCall& call) const;
  const ConvBnActSpec spec_;
};

}  // namespace headroom
